import { createHash } from 'node:crypto';

const length = 1 << 18;
const most = 70 * 1_024;

/** Bytes in no order, the same ones every time. */
const table = new Uint8Array(length + most);
for (let at = 0; at < table.length; at += 32) {
  const block = createHash('sha256').update(String(at)).digest();
  table.set(block.subarray(0, Math.min(32, table.length - at)), at);
}

let last = 0;
/** Bytes that no other write has, as a view: copy before handing them out. */
export function someBytes(size: number): Uint8Array {
  last = (last + 4_099) % length;
  return table.subarray(last, last + size);
}

/** What one end wrote in order, against what the other end reads. */
export class ByteStream {
  written = 0;
  read = 0;
  readonly #segments: Uint8Array[] = [];
  #segment = 0;
  #offset = 0;

  write(bytes: Uint8Array): void {
    this.written += bytes.length;
    this.#segments.push(bytes);
  }

  /** Answers what is wrong with these bytes as the next ones, if anything is. */
  check(bytes: Uint8Array): string | undefined {
    for (let at = 0; at < bytes.length; ) {
      const segment = this.#segments[this.#segment];
      if (segment === undefined) return `${bytes.length - at} bytes were read that nobody wrote`;
      const part = Math.min(segment.length - this.#offset, bytes.length - at);
      if (Buffer.compare(segment.subarray(this.#offset, this.#offset + part), bytes.subarray(at, at + part)) !== 0)
        return `what was read differs from what was written, from byte ${this.read} on`;
      at += part;
      this.read += part;
      this.#offset += part;
      if (this.#offset === segment.length) {
        this.#segment++;
        this.#offset = 0;
      }
    }
    return undefined;
  }
}
