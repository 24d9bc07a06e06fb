import type { HashName } from '../crypto/cipher-suite.ts';
import type { CryptoProvider, RunningHash } from '../crypto/crypto-provider.ts';

/**
 * The transcript hash (RFC 8446 §4.4.1). Until the cipher suite is known messages are kept; from `begin` they are hashed
 * as they come.
 */
export class TranscriptHash {
  readonly #crypto: CryptoProvider;
  #kept: Uint8Array[] = [];
  #hash: HashName | undefined;
  #running: RunningHash | undefined;
  /** Of everything so far, once it was asked for. Nobody writes to it. */
  #digest: Uint8Array | undefined;

  constructor(crypto: CryptoProvider) {
    this.#crypto = crypto;
  }

  add(message: Uint8Array): void {
    this.#digest = undefined;
    if (this.#running === undefined) this.#kept.push(message);
    else this.#running.update(message);
  }

  /** The cipher suite is known. */
  begin(hash: HashName): void {
    this.#hash = hash;
    this.#running = this.#hashOf(hash, this.#kept);
    this.#kept = [];
  }

  /**
   * After HelloRetryRequest: "the value of ClientHello1 is replaced with a special synthetic handshake message of handshake
   * type "message_hash" containing Hash(ClientHello1)". Called when ClientHello1 is all there is; messages are kept again.
   */
  beginAgain(hash: HashName): void {
    const digest = this.#hashOf(hash, this.#kept).digest();
    const synthetic = new Uint8Array(4 + digest.length);
    synthetic[0] = 254;
    synthetic[3] = digest.length;
    synthetic.set(digest, 4);
    this.#kept = [synthetic];
  }

  /** Of all messages so far. */
  digest(): Uint8Array {
    this.#digest ??= this.#running!.digest();
    return this.#digest;
  }

  /** Of the messages kept and a part of one more: what a PSK binder covers (RFC 8446 §4.2.11.2). */
  digestWith(hash: HashName, truncated: Uint8Array): Uint8Array {
    return this.#hashOf(hash, [...this.#kept, truncated]).digest();
  }

  get hash(): HashName {
    return this.#hash!;
  }

  #hashOf(hash: HashName, messages: readonly Uint8Array[]): RunningHash {
    const running = this.#crypto.hash(hash);
    for (const message of messages) running.update(message);
    return running;
  }
}
