import { LimitExceededError, type Limits } from '@rxtls/core/engine';
import { ByteQueue } from './byte-queue.ts';

/** One handshake message (RFC 8446 §4): type, and body as a view. */
export interface PlaceboMessage {
  readonly type: number;
  readonly body: Uint8Array;
}

/** Joins handshake fragments to messages, within the limits on one message and on the handshake as a whole. */
export class HandshakeReader {
  readonly #bytes = new ByteQueue();
  readonly #limits: Limits;
  #received = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Bytes of a message that is not whole yet. */
  get pending(): number {
    return this.#bytes.length;
  }

  push(fragment: Uint8Array, handshaking: boolean): void {
    if (handshaking) {
      this.#received += fragment.length;
      if (this.#received > this.#limits.maxHandshakeBytes)
        throw new LimitExceededError(
          'maxHandshakeBytes',
          `the handshake is over ${this.#limits.maxHandshakeBytes} bytes`,
        );
    }
    this.#bytes.push(fragment);
  }

  next(): PlaceboMessage | undefined {
    if (this.#bytes.length < 4) return undefined;
    const [type, high, middle, low] = this.#bytes.peek(4);
    const length = (high! << 16) | (middle! << 8) | low!;
    if (length > this.#limits.maxHandshakeMessageBytes)
      throw new LimitExceededError(
        'maxHandshakeMessageBytes',
        `a handshake message claims ${length} bytes, over ${this.#limits.maxHandshakeMessageBytes}`,
      );
    if (this.#bytes.length < 4 + length) return undefined;
    const body = this.#bytes.peek(4 + length).subarray(4);
    this.#bytes.drop(4 + length);
    return { type: type!, body };
  }

  clear(): void {
    this.#bytes.clear();
  }
}
