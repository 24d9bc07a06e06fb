/** Remembers at which ciphertext position each piece of plaintext ends, to know what has been taken when the transport says how far it is. */
export class FlushMarks {
  #ends: number[] = [];
  #bytes: number[] = [];
  #head = 0;
  #tail = 0;

  /** `bytes` of plaintext are wholly within the first `end` bytes of ciphertext. */
  push(end: number, bytes: number): void {
    const last = this.#tail - 1;
    if (last >= this.#head && this.#ends[last] === end) {
      this.#bytes[last]! += bytes;
      return;
    }
    this.#ends[this.#tail] = end;
    this.#bytes[this.#tail++] = bytes;
  }

  /** The plaintext bytes, not reported before, that lie within the first `taken` bytes of ciphertext. */
  take(taken: number): number {
    let bytes = 0;
    while (this.#head < this.#tail && this.#ends[this.#head]! <= taken) bytes += this.#bytes[this.#head++]!;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#tail) {
      this.#ends.copyWithin(0, this.#head, this.#tail);
      this.#bytes.copyWithin(0, this.#head, this.#tail);
      this.#tail -= this.#head;
      this.#head = 0;
    }
    return bytes;
  }
}
