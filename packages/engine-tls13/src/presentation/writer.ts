import { ApiMisuseError } from '@rxtls/core/engine';

/**
 * Writes the presentation language (RFC 8446 §3) into one buffer that grows.
 * @throws ApiMisuseError for a number or a vector that does not fit its field: names, certificates and lists come from options.
 */
export class Writer {
  /** Most of what is written is short, and arrays of up to 64 bytes cost the runtime a fraction of longer ones. */
  #bytes = new Uint8Array(64);
  #length = 0;

  uint8(value: number): void {
    this.#number(1, value);
  }

  uint16(value: number): void {
    this.#number(2, value);
  }

  uint24(value: number): void {
    this.#number(3, value);
  }

  uint32(value: number): void {
    this.#number(4, value);
  }

  /** Copies the bytes. */
  bytes(bytes: Uint8Array): void {
    const at = this.#grow(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** What `write` writes, after its length. */
  vector(lengthBytes: 1 | 2 | 3, write: (writer: this) => void): void {
    const at = this.#grow(lengthBytes);
    write(this);
    this.#put(at, lengthBytes, this.#length - at - lengthBytes);
  }

  /** A fresh array of everything written; the writer is empty again. */
  finish(): Uint8Array {
    const written = this.#bytes.slice(0, this.#length);
    // Keys are written into tickets: no copy of them stays behind.
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
    return written;
  }

  #number(bytes: number, value: number): void {
    const at = this.#grow(bytes);
    this.#put(at, bytes, value);
  }

  #put(at: number, bytes: number, value: number): void {
    if (!Number.isInteger(value) || value < 0 || value >= 256 ** bytes)
      throw new ApiMisuseError(`${value} does not fit into ${bytes} bytes: something in the options is too long`);
    for (let index = at + bytes - 1, rest = value; index >= at; index--, rest >>>= 8) this.#bytes[index] = rest;
  }

  #grow(bytes: number): number {
    const needed = this.#length + bytes;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes.fill(0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#length = needed;
    return needed - bytes;
  }
}
