import { LimitExceededError, type Limits } from '@rxtls/core/engine';
import type { LimitWatch } from '@rxtls/core/engine-parts';

const headerBytes = 4;

/** A whole handshake message, its four byte header included (RFC 8446 §4). */
export interface HandshakeMessage {
  readonly type: number;
  readonly bytes: Uint8Array;
}

/**
 * Puts handshake messages together from the fragments that records carry (RFC 8446 §5.1). A length that is only claimed
 * allocates nothing: memory follows the bytes that came, and so does the work, however small the fragments are.
 */
export class HandshakeDeframer {
  readonly #limits: Limits;
  readonly #watch: LimitWatch;
  #bytes: Uint8Array = new Uint8Array(0);
  /** What of `#bytes` has been handed out, and where what came ends: behind it is room of our own. */
  #at = 0;
  #end = 0;

  constructor(limits: Limits, watch: LimitWatch) {
    this.#limits = limits;
    this.#watch = watch;
  }

  /** Bytes of messages that are not handed out. */
  get pending(): number {
    return this.#end - this.#at;
  }

  push(fragment: Uint8Array): void {
    const { pending } = this;
    if (pending === 0) {
      this.#bytes = fragment;
      this.#at = 0;
      this.#end = fragment.length;
      return;
    }
    if (this.#end + fragment.length > this.#bytes.length) {
      // Twice as much as is needed, so that a message in many small fragments is copied a few times and not once for each; never
      // behind a fragment, which is the record layer's, nor over what was handed out.
      const room = new Uint8Array(2 * (pending + fragment.length));
      room.set(this.#bytes.subarray(this.#at, this.#end));
      this.#bytes = room;
      this.#at = 0;
      this.#end = pending;
    }
    this.#bytes.set(fragment, this.#end);
    this.#end += fragment.length;
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
    this.#watch.hold('maxHandshakeMessageBytes', length, most);
    const end = this.#at + headerBytes + length;
    if (this.#end < end) return undefined;
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { type, bytes };
  }

  clear(): void {
    this.#bytes = new Uint8Array(0);
    this.#at = 0;
    this.#end = 0;
  }
}
