import { createHash, createHmac, createPrivateKey, createPublicKey, sign, verify, X509Certificate } from 'node:crypto';
import { nodeCrypto } from '@rxtls/engine-tls13/node';
import type { Chain } from '../pki.ts';

/** HMACs that one end's key schedule (RFC 8446 §7.1) and Finished take: 8 secrets, 4 keys with their IVs, 2 MACs, 4 for tickets. */
const macs = 22;
/** And the binder's, where a session is resumed. */
const binderMacs = 4;

const secret = Buffer.alloc(32, 1);
const label = Buffer.alloc(54, 2);
const transcript = Buffer.alloc(2_000, 3);
const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));

/** The calls of node:crypto that a handshake cannot do without. */
export class FloorHandshake {
  readonly #key;
  readonly #publicKey;
  readonly #peerShare: Uint8Array;
  readonly #signed = Buffer.alloc(130, 4);
  readonly #signature: Buffer;

  constructor({ credentials }: Chain) {
    this.#key = createPrivateKey(credentials.key);
    const { publicKey } = new X509Certificate(credentials.cert);
    this.#publicKey = createPublicKey(publicKey.export({ type: 'spki', format: 'pem' }));
    this.#signature = sign('sha256', this.#signed, this.#key);
    this.#peerShare = nodeCrypto.keyShare('x25519', random).publicKey;
  }

  client(isResumed: boolean): void {
    nodeCrypto.keyShare('x25519', random).agree(this.#peerShare);
    this.#schedule(isResumed);
    // The signatures of the chain can be remembered; that of CertificateVerify cannot.
    if (!isResumed) verify('sha256', this.#signed, this.#publicKey, this.#signature);
  }

  server(isResumed: boolean): void {
    nodeCrypto.keyAgreement('x25519', this.#peerShare, random);
    this.#schedule(isResumed);
    if (!isResumed) sign('sha256', this.#signed, this.#key);
  }

  #schedule(isResumed: boolean): void {
    createHash('sha256').update(transcript).digest();
    for (let n = isResumed ? macs + binderMacs : macs; n > 0; n--) createHmac('sha256', secret).update(label).digest();
  }
}
