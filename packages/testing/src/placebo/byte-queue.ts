/** Bytes in arrival order; joined only when enough of them are there, so that one-byte chunks cost nothing much. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#length += bytes.length;
  }

  /** The first `count` bytes, or fewer when fewer are there, as a view. */
  peek(count: number): Uint8Array {
    const wanted = Math.min(count, this.#length);
    const first = this.#chunks[0];
    if (first === undefined) return new Uint8Array(0);
    if (first.length >= wanted) return first.subarray(0, wanted);
    const joined = new Uint8Array(wanted);
    let filled = 0;
    for (const chunk of this.#chunks) {
      if (filled === wanted) break;
      const part = chunk.subarray(0, wanted - filled);
      joined.set(part, filled);
      filled += part.length;
    }
    return joined;
  }

  drop(count: number): void {
    let left = count;
    while (left > 0) {
      const first = this.#chunks[0];
      if (first === undefined) break;
      if (first.length > left) {
        this.#chunks[0] = first.subarray(left);
        break;
      }
      this.#chunks.shift();
      left -= first.length;
    }
    this.#length = Math.max(0, this.#length - count);
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}
