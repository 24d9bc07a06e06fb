import { PeerMisbehavedError, recordHeaderBytes } from '@rxtls/core/engine';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import type { CipherSuite } from '../crypto/cipher-suite.ts';
import { trafficKeys, type TrafficKeys } from '../key-schedule/traffic-keys.ts';

/** Bytes of the AEAD's tag in every suite. */
export const tagBytes = 16;

const none = new Uint8Array(0);

/** A record opened: its content without padding, and the type it hid. */
export interface OpenedRecord {
  content: Uint8Array;
  type: number;
}

/**
 * Record protection of one direction in one epoch (RFC 8446 §5.2): keys, nonce and sequence number. One object serves all
 * its records; nothing is allocated for a record but what the AEAD itself returns.
 */
export class RecordProtection {
  /** 0 for handshake keys, from 1 for application keys; counts key updates. */
  readonly epoch: number;
  readonly #keys: TrafficKeys;
  readonly #nonce = new Uint8Array(12);
  readonly #opened: OpenedRecord = { content: none, type: 0 };
  #records = 0;

  constructor(crypto: CryptoProvider, suite: CipherSuite, secret: Uint8Array, epoch: number) {
    this.#keys = trafficKeys(crypto, suite, secret);
    this.epoch = epoch;
  }

  /** Records protected so far: the next sequence number. */
  get records(): number {
    return this.#records;
  }

  /** Writes one whole record, header included, to `out` from `at`. `trailer` is the content type and the padding's zeros. */
  seal(content: Uint8Array, trailer: Uint8Array, out: Uint8Array, at: number): void {
    const body = content.length + trailer.length + tagBytes;
    // RFC 8446 §5.2: "opaque_type: The outer opaque_type field of a TLSCiphertext record is always set to the value 23".
    out[at] = 23;
    out[at + 1] = 3;
    out[at + 2] = 3;
    out[at + 3] = body >> 8;
    out[at + 4] = body;
    const bodyAt = at + recordHeaderBytes;
    this.#keys.key.seal(this.#nextNonce(), out.subarray(at, bodyAt), content, trailer, out, bodyAt);
    this.#records++;
  }

  /**
   * Opens a record given whole; undefined when it does not authenticate, and then its number is not used up. The answer is
   * overwritten by the next call.
   * @throws PeerMisbehavedError `record_overflow`, `unexpected_message`
   */
  open(record: Uint8Array, maxInnerBytes: number): OpenedRecord | undefined {
    const plaintext = this.#keys.key.open(
      this.#nextNonce(),
      record.subarray(0, recordHeaderBytes),
      record.subarray(recordHeaderBytes),
    );
    if (plaintext === undefined) return undefined;
    this.#records++;
    // RFC 8446 §5.4: "The presence of padding does not change the overall record size limitations"; RFC 8449 §4 for a smaller limit.
    if (plaintext.length > maxInnerBytes)
      throw new PeerMisbehavedError(`a record holds more than ${maxInnerBytes} bytes`, { alert: 'record_overflow' });
    let end = plaintext.length - 1;
    while (end >= 0 && plaintext[end] === 0) end--;
    // RFC 8446 §5.4: "If a receiving implementation does not find a non-zero octet in the cleartext, it MUST terminate the connection with an "unexpected_message" alert."
    if (end < 0) throw new PeerMisbehavedError('a record of nothing but padding', { alert: 'unexpected_message' });
    this.#opened.type = plaintext[end] ?? 0;
    this.#opened.content = plaintext.subarray(0, end);
    return this.#opened;
  }

  /** Lets go of what was opened last. */
  forget(): void {
    this.#opened.content = none;
  }

  wipe(): void {
    this.forget();
    this.#keys.key.wipe();
    this.#keys.iv.fill(0);
    this.#nonce.fill(0);
  }

  /** RFC 8446 §5.3: "The padded sequence number is XORed with either the static client_write_iv or server_write_iv". */
  #nextNonce(): Uint8Array {
    const nonce = this.#nonce;
    nonce.set(this.#keys.iv);
    let rest = this.#records;
    for (let at = 11; rest > 0; at--) {
      nonce[at] = (nonce[at] ?? 0) ^ (rest & 0xff);
      rest = Math.floor(rest / 256);
    }
    return nonce;
  }
}
