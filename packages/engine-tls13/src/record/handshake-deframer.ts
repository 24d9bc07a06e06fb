import { LimitExceededError, type Limits } from '@rxtls/core/engine';

const headerBytes = 4;

/** A whole handshake message, its four byte header included (RFC 8446 §4). */
export interface HandshakeMessage {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/**
 * Puts handshake messages together from the fragments that records carry (RFC 8446 §5.1). A length that is only claimed
 * allocates nothing: memory follows the bytes that came.
 */
export class HandshakeDeframer {
  readonly #limits: Limits;
  #bytes: Uint8Array = new Uint8Array(0);
  /** What of `#bytes` has been handed out. */
  #at = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Bytes of messages that are not handed out. */
  get pending(): number {
    return this.#bytes.length - this.#at;
  }

  push(fragment: Uint8Array): void {
    if (this.pending === 0) {
      this.#bytes = fragment;
      this.#at = 0;
      return;
    }
    const joined = new Uint8Array(this.pending + fragment.length);
    joined.set(this.#bytes.subarray(this.#at));
    joined.set(fragment, this.pending);
    this.#bytes = joined;
    this.#at = 0;
  }

  /** The next whole message, a view of what came. @throws LimitExceededError as soon as one says that it is too long. */
  next(): HandshakeMessage | undefined {
    if (this.pending < headerBytes) return undefined;
    const [type = 0, high = 0, middle = 0, low = 0] = this.#bytes.subarray(this.#at, this.#at + headerBytes);
    const length = (high << 16) | (middle << 8) | low;
    const most = this.#limits.maxHandshakeMessageBytes;
    if (length > most)
      throw new LimitExceededError(
        'maxHandshakeMessageBytes',
        `a handshake message of ${length} bytes; ${most} are allowed`,
        {
          alert: 'decode_error',
        },
      );
    const end = this.#at + headerBytes + length;
    if (this.#bytes.length < end) return undefined;
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { type, bytes };
  }

  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#at = 0;
  }
}
