import { type HashName, hashBytes } from '../crypto/cipher-suite.ts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { verifyData } from '../key-schedule/traffic-keys.ts';
import { misbehaved } from '../presentation/misbehaved.ts';
import { decodeFinished } from './messages/finished.ts';

/**
 * Checks the peer's Finished (RFC 8446 §4.4.4) in constant time; what it should have been is wiped.
 * @throws PeerMisbehavedError `decode_error`, `decrypt_error`
 */
export function checkFinished(
  crypto: CryptoProvider,
  body: Uint8Array,
  peer: {
    readonly role: 'client' | 'server';
    readonly hash: HashName;
    /** Its handshake traffic secret. */
    readonly secret: Uint8Array;
    /** Transcript up to its Finished. */
    readonly digest: Uint8Array;
  },
): void {
  const { verifyData: sent } = decodeFinished(body, hashBytes[peer.hash]);
  const expected = verifyData(crypto, peer.hash, peer.secret, peer.digest);
  const isRight = crypto.equal(sent, expected);
  expected.fill(0);
  // RFC 8446 §4.4.4: "Recipients of Finished messages MUST verify that the contents are correct and if incorrect MUST terminate the connection with a "decrypt_error" alert."
  if (!isRight) throw misbehaved('decrypt_error', `the ${peer.role}'s Finished is wrong`);
}
