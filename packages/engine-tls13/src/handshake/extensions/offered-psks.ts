import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** PskIdentity (RFC 8446 §4.2.11). */
interface PskIdentity {
  readonly identity: Uint8Array;
  /** Milliseconds since the ticket came, plus its ticket_age_add, modulo 2^32; 0 for external keys. */
  readonly obfuscatedTicketAge: number;
}

/** OfferedPsks (RFC 8446 §4.2.11); a binder for each identity, in the same order. */
export interface OfferedPsks {
  readonly identities: readonly PskIdentity[];
  readonly binders: readonly Uint8Array[];
}

/** pre_shared_key of a ClientHello. */
export function encodePreSharedKeyClient({ identities, binders }: OfferedPsks): Uint8Array {
  const writer = new Writer();
  writer.vector(2, () => {
    for (const { identity, obfuscatedTicketAge } of identities) {
      writer.vector(2, () => writer.bytes(identity));
      writer.uint32(obfuscatedTicketAge);
    }
  });
  writer.vector(2, () => {
    for (const binder of binders) writer.vector(1, () => writer.bytes(binder));
  });
  return writer.finish();
}

/** @throws PeerMisbehavedError `decode_error`, `illegal_parameter` when there is not one binder for each identity */
export function decodePreSharedKeyClient(data: Uint8Array): OfferedPsks {
  const reader = new Reader(data, 'pre_shared_key');
  // RFC 8446 §4.2.11: "PskIdentity identities<7..2^16-1>;"
  const identityList = reader.inside(2, 7, 0xffff, 'identities');
  // RFC 8446 §4.2.11: "PskBinderEntry binders<33..2^16-1>;"
  const binderList = reader.inside(2, 33, 0xffff, 'binders');
  reader.end();
  const identities: PskIdentity[] = [];
  while (!identityList.isAtEnd) {
    // RFC 8446 §4.2.11: "opaque identity<1..2^16-1>;"
    const identity = identityList.vector(2, 1, 0xffff, 'identity');
    identities.push({ identity, obfuscatedTicketAge: identityList.uint32('obfuscated_ticket_age') });
  }
  const binders: Uint8Array[] = [];
  // RFC 8446 §4.2.11: "opaque PskBinderEntry<32..255>;"
  while (!binderList.isAtEnd) binders.push(binderList.vector(1, 32, 255, 'binder'));
  // RFC 8446 §4.2.11: "binders: A series of HMAC values, one for each value in the identities list and in the same order".
  if (binders.length !== identities.length)
    throw misbehaved('illegal_parameter', `${identities.length} PSK identities with ${binders.length} binders`);
  return { identities, binders };
}

/**
 * Bytes of the binders list with its own length, the last of a ClientHello: what the binders' transcript leaves out.
 * RFC 8446 §4.2.11.2: "it includes all of the ClientHello but not the binders list itself."
 */
export const bindersLength = ({ binders }: Pick<OfferedPsks, 'binders'>): number =>
  binders.reduce((bytes, binder) => bytes + 1 + binder.length, 2);

/** pre_shared_key of a ServerHello: the index of the chosen identity. */
export function encodePreSharedKeyServer(selectedIdentity: number): Uint8Array {
  const writer = new Writer();
  writer.uint16(selectedIdentity);
  return writer.finish();
}

/** selected_identity; whether there is such an identity is the caller's to check. @throws PeerMisbehavedError `decode_error` */
export function decodePreSharedKeyServer(data: Uint8Array): number {
  const reader = new Reader(data, 'pre_shared_key');
  const selectedIdentity = reader.uint16('selected_identity');
  reader.end();
  return selectedIdentity;
}
