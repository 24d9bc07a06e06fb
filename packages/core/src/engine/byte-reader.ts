import { PeerMisbehavedError } from './tls-error.ts';

/** Reads the presentation language of RFC 8446 §3 from untrusted bytes; every length is checked before it is used, and errors name the field. */
export class ByteReader {
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

  uint8(field: string): number {
    return this.#take(1, field)[0]!;
  }

  uint16(field: string): number {
    const two = this.#take(2, field);
    return (two[0]! << 8) | two[1]!;
  }

  bytes(length: number, field: string): Uint8Array {
    return this.#take(length, field);
  }

  /** opaque field<min..max> with a length of one or two bytes. */
  vector(lengthBytes: 1 | 2, min: number, max: number, field: string): Uint8Array {
    const length = lengthBytes === 1 ? this.uint8(field) : this.uint16(field);
    if (length < min || length > max) throw this.#error(`${field} is ${length} bytes long`);
    return this.#take(length, field);
  }

  nested(bytes: Uint8Array, field: string): ByteReader {
    return new ByteReader(bytes, `${this.#path}.${field}`);
  }

  /** A list of uint16 that fills the vector exactly. */
  uint16List(lengthBytes: 1 | 2, field: string): number[] {
    const list = this.nested(this.vector(lengthBytes, 2, 0xffff, field), field);
    const values: number[] = [];
    while (!list.isAtEnd) values.push(list.uint16('entry'));
    return values;
  }

  end(): void {
    if (!this.isAtEnd) throw this.#error(`has ${this.#bytes.length - this.#at} bytes too many`);
  }

  #take(length: number, field: string): Uint8Array {
    if (this.#bytes.length - this.#at < length) throw this.#error(`${field} is cut short`);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** RFC 8446 §6.2: "decode_error: A message could not be decoded because some field was out of the specified range or the length of the message was incorrect." */
  #error(what: string): PeerMisbehavedError {
    return new PeerMisbehavedError(`${this.#path}: ${what}`, { alert: 'decode_error' });
  }
}
