import { PeerMisbehavedError } from '@rxtls/core/engine';

/** Reads a handshake message of the peer's (RFC 4346 §4); every length is checked before it is used. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  readonly #name: string;
  #at: number;

  /** @param at where to begin: 4 leaves out a handshake message's header. */
  constructor(bytes: Uint8Array, name: string, at = 0) {
    this.#bytes = bytes;
    this.#name = name;
    this.#at = at;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(length: number): Uint8Array {
    // RFC 4346 §7.2.2: "decode_error: A message could not be decoded because some field was out of the specified range or the length of the message was incorrect."
    if (this.#bytes.length - this.#at < length) throw this.malformed();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number(bytes: 1 | 2 | 3): number {
    return this.take(bytes).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** A vector with its length in front. */
  vector(lengthBytes: 1 | 2 | 3): Uint8Array {
    return this.take(this.number(lengthBytes));
  }

  /** @throws PeerMisbehavedError unless everything has been read. */
  end(): void {
    if (!this.isAtEnd) throw this.malformed();
  }

  malformed(): PeerMisbehavedError {
    return new PeerMisbehavedError(`a ${this.#name} is malformed`, { alert: 'decode_error' });
  }
}
