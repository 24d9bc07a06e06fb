import type { TlsHost } from '@rxtls/core/engine';
import type { HashName } from '../crypto/cipher-suite.ts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { misbehaved } from '../presentation/misbehaved.ts';
import type { ServerSettings } from '../server-options.ts';
import type { ServerSession } from '../session/server-session.ts';
import { binder } from './client-hello-builder.ts';
import { bindersLength } from './extensions/offered-psks.ts';
import { pskKeyExchangeMode } from './extensions/psk-key-exchange-modes.ts';
import type { OfferedPsk } from './offered-psk.ts';
import type { ReadClientHello } from './read-client-hello.ts';
import type { TranscriptHash } from './transcript-hash.ts';

/** A pre-shared key that is used. */
export interface SelectedPsk {
  /** Its place in the client's list. */
  readonly index: number;
  readonly kind: OfferedPsk['kind'];
  readonly key: Uint8Array;
  /** Of a ticket. */
  readonly session: ServerSession | undefined;
}

/**
 * The first of the client's pre-shared keys that is good here: an external one we know, or a ticket that opens, is bound
 * to the same scope and still holds. None: a full handshake, without a word.
 */
export function selectPsk(
  settings: ServerSettings,
  host: TlsHost,
  hello: ReadClientHello,
  asked: { readonly hash: HashName; readonly scope: Uint8Array },
): SelectedPsk | undefined {
  // RFC 8446 §4.2.9: psk_ke has no forward secrecy; "the server MUST NOT select a key exchange mode that is not listed by the client".
  if (hello.psks === undefined || !hello.pskModes.includes(pskKeyExchangeMode.psk_dhe_ke)) return undefined;
  const most = host.limits.maxPskIdentities;
  for (const [index, { identity }] of hello.psks.identities.slice(0, most).entries()) {
    const external = settings.externalPsks.find((each) => settings.crypto.equal(each.identity, identity));
    if (external !== undefined) {
      if (external.hash === asked.hash) return { index, kind: 'external', key: external.key, session: undefined };
      continue;
    }
    const session = settings.tickets?.open(host, identity, asked);
    if (session !== undefined) return { index, kind: 'resumption', key: session.psk, session };
  }
  return undefined;
}

/**
 * RFC 8446 §4.2.11: "the server MUST validate the corresponding binder value. If this value is not present or does not
 * validate, the server MUST abort the handshake." @throws PeerMisbehavedError `decrypt_error`
 */
export function checkBinder(
  crypto: CryptoProvider,
  hash: HashName,
  psk: SelectedPsk,
  hello: ReadClientHello,
  message: Uint8Array,
  transcript: TranscriptHash,
): void {
  const binders = hello.psks?.binders ?? [];
  const truncated = message.subarray(0, message.length - bindersLength({ binders }));
  const expected = binder(crypto, { ...psk, hash }, transcript.digestWith(hash, truncated));
  const sent = binders[psk.index];
  if (sent === undefined || !crypto.equal(sent, expected))
    throw misbehaved('decrypt_error', "a pre-shared key's binder is wrong");
}
