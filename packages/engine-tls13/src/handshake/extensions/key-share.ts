import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** KeyShareEntry (RFC 8446 §4.2.8); whether the share is a valid one of its group is the crypto provider's to say. */
export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Uint8Array;
}

/** key_share of a ClientHello. */
export function encodeKeyShareClient(entries: readonly KeyShareEntry[]): Uint8Array {
  const writer = new Writer();
  writer.vector(2, () => {
    for (const entry of entries) writeEntry(writer, entry);
  });
  return writer.finish();
}

/** The client's shares, possibly none; see `checkKeyShareGroups`. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` */
export function decodeKeyShareClient(data: Uint8Array): readonly KeyShareEntry[] {
  const reader = new Reader(data, 'key_share');
  // RFC 8446 §4.2.8: "KeyShareEntry client_shares<0..2^16-1>;"
  const list = reader.inside(2, 0, 0xffff, 'client_shares');
  reader.end();
  const entries: KeyShareEntry[] = [];
  const groups = new Set<number>();
  while (!list.isAtEnd) {
    const entry = readEntry(list);
    // RFC 8446 §4.2.8: "Clients MUST NOT offer multiple KeyShareEntry values for the same group."
    if (groups.has(entry.group)) throw misbehaved('illegal_parameter', `key_share has group ${entry.group} twice`);
    groups.add(entry.group);
    entries.push(entry);
  }
  return entries;
}

/**
 * Holds a client's shares to its supported_groups.
 * @throws PeerMisbehavedError `illegal_parameter` for a share of another group, or in another order
 */
export function checkKeyShareGroups(entries: readonly KeyShareEntry[], supportedGroups: readonly number[]): void {
  let from = 0;
  for (const { group } of entries) {
    const at = supportedGroups.indexOf(group, from);
    // RFC 8446 §4.2.8: "Each KeyShareEntry value MUST correspond to a group offered in the "supported_groups" extension and MUST appear in the same order."
    if (at < 0)
      throw misbehaved(
        'illegal_parameter',
        `key_share has group ${group}, which is not in supported_groups or not there`,
      );
    from = at + 1;
  }
}

/** key_share of a ServerHello. */
export function encodeKeyShareServer(entry: KeyShareEntry): Uint8Array {
  const writer = new Writer();
  writeEntry(writer, entry);
  return writer.finish();
}

/** @throws PeerMisbehavedError `decode_error` */
export function decodeKeyShareServer(data: Uint8Array): KeyShareEntry {
  const reader = new Reader(data, 'key_share');
  const entry = readEntry(reader);
  reader.end();
  return entry;
}

/** key_share of a HelloRetryRequest: the group to make a share of. */
export function encodeKeyShareRetry(group: number): Uint8Array {
  const writer = new Writer();
  writer.uint16(group);
  return writer.finish();
}

/** @throws PeerMisbehavedError `decode_error` */
export function decodeKeyShareRetry(data: Uint8Array): number {
  const reader = new Reader(data, 'key_share');
  const group = reader.uint16('selected_group');
  reader.end();
  return group;
}

function writeEntry(writer: Writer, { group, keyExchange }: KeyShareEntry): void {
  writer.uint16(group);
  writer.vector(2, () => writer.bytes(keyExchange));
}

function readEntry(reader: Reader): KeyShareEntry {
  const group = reader.uint16('group');
  // RFC 8446 §4.2.8: "opaque key_exchange<1..2^16-1>;"
  return { group, keyExchange: reader.vector(2, 1, 0xffff, 'key_exchange') };
}
