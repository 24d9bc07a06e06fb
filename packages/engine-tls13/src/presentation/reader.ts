import type { PeerMisbehavedError } from '@rxtls/core/engine';
import { misbehaved } from './misbehaved.ts';

/**
 * Reads the presentation language (RFC 8446 §3) from untrusted bytes. Every length is checked before it is used, and what
 * comes out are views of the given bytes: nothing is copied, nothing is allocated for a length that is only claimed.
 * Every method throws `PeerMisbehavedError` with `decode_error`, which names the path to the field.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #path: string;
  #at = 0;

  constructor(bytes: Uint8Array, path: string) {
    this.#bytes = bytes;
    this.#path = path;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** Bytes that were not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  uint8(field: string): number {
    return this.#number(1, field);
  }

  uint16(field: string): number {
    return this.#number(2, field);
  }

  uint24(field: string): number {
    return this.#number(3, field);
  }

  uint32(field: string): number {
    return this.#number(4, field);
  }

  /** opaque field[length]. */
  bytes(length: number, field: string): Uint8Array {
    const start = this.#skip(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  /** opaque field<min..max>, its length in one, two or three bytes. */
  vector(lengthBytes: 1 | 2 | 3, min: number, max: number, field: string): Uint8Array {
    const length = this.#number(lengthBytes, field);
    if (length < min || length > max)
      throw this.#error(`${field} is ${length} bytes long, ${min} to ${max} are possible`);
    return this.bytes(length, field);
  }

  /** A reader for what a vector holds. */
  inside(lengthBytes: 1 | 2 | 3, min: number, max: number, field: string): Reader {
    return new Reader(this.vector(lengthBytes, min, max, field), `${this.#path}.${field}`);
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.isAtEnd) throw this.#error(`${this.remaining} bytes too many`);
  }

  #number(bytes: number, field: string): number {
    const start = this.#skip(bytes, field);
    let value = 0;
    // Not by shifts: they would make a uint32 negative.
    for (let at = start; at < this.#at; at++) value = value * 256 + this.#bytes[at]!;
    return value;
  }

  #skip(length: number, field: string): number {
    if (this.remaining < length) throw this.#error(`${field} is cut short`);
    this.#at += length;
    return this.#at - length;
  }

  /** RFC 8446 §6.2: "decode_error: A message could not be decoded because some field was out of the specified range or the length of the message was incorrect." */
  #error(what: string): PeerMisbehavedError {
    return misbehaved('decode_error', `${this.#path}: ${what}`);
  }
}
