import { LimitExceededError, type Limits, PeerMisbehavedError } from '@rxtls/core/engine';

/** A whole handshake message. */
export interface HandshakeMessage {
  readonly type: number;
  /** With its four byte header (RFC 4346 §7.4). */
  readonly bytes: Uint8Array;
}

const headerBytes = 4;
/** For most messages. */
const roomBytes = 512;
/** node-forge is given each message in a record of its own, whose length has two bytes. */
const mostBytesForForge = 0xffff;

/**
 * Puts handshake messages together from fragments. node-forge's own way of doing it forgets the first fragment, so that it
 * is always given whole ones. A length that is only claimed allocates nothing.
 */
export class HandshakeReader {
  readonly #limits: Limits;
  #bytes = new Uint8Array(roomBytes);
  #length = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Bytes of a message that is not complete. */
  get pending(): number {
    return this.#length;
  }

  push(fragment: Uint8Array): void {
    const needed = this.#length + fragment.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(fragment, this.#length);
    this.#length = needed;
  }

  /** The next whole message. @throws LimitExceededError as soon as one says that it is too long. */
  next(): HandshakeMessage | undefined {
    if (this.#length < headerBytes) return undefined;
    const [type = 0, high = 0, middle = 0, low = 0] = this.#bytes;
    const length = (high << 16) | (middle << 8) | low;
    const most = Math.min(this.#limits.maxHandshakeMessageBytes, mostBytesForForge - headerBytes);
    if (length > most)
      throw new LimitExceededError(
        'maxHandshakeMessageBytes',
        `a handshake message of ${length} bytes; ${most} are allowed`,
        { alert: 'decode_error' },
      );
    const end = headerBytes + length;
    if (this.#length < end) return undefined;
    const bytes = this.#bytes.slice(0, end);
    this.#bytes.copyWithin(0, end, this.#length);
    this.#length -= end;
    // What a long message needed is not kept for the life of the connection.
    if (this.#length === 0 && this.#bytes.length > roomBytes) {
      this.clear();
      this.#bytes = new Uint8Array(roomBytes);
    }
    return { type, bytes };
  }

  /** Wipes what is held. */
  clear(): void {
    this.#bytes.fill(0);
    this.#length = 0;
  }
}

/** A message came where another one, or none, belongs (RFC 4346 §7.4). */
export const outOfOrder = (what: string): PeerMisbehavedError =>
  new PeerMisbehavedError(`${what} came where it may not`, { alert: 'unexpected_message' });
