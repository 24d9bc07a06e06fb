/** Remembers at which ciphertext position each piece of plaintext ends, to know what has been taken when the transport says how far it is. */
export class FlushMarks {
  #ends: number[] = [];
  #bytes: number[] = [];
  #head = 0;

  /** `bytes` of plaintext are wholly within the first `end` bytes of ciphertext. */
  push(end: number, bytes: number): void {
    const last = this.#ends.length - 1;
    if (last >= this.#head && this.#ends[last] === end) {
      this.#bytes[last]! += bytes;
      return;
    }
    this.#ends.push(end);
    this.#bytes.push(bytes);
  }

  /** The plaintext bytes, not reported before, that lie within the first `taken` bytes of ciphertext. */
  take(taken: number): number {
    let bytes = 0;
    while (this.#head < this.#ends.length && this.#ends[this.#head]! <= taken) bytes += this.#bytes[this.#head++]!;
    if (this.#head === this.#ends.length) {
      this.#ends.length = 0;
      this.#bytes.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1_024 && this.#head * 2 >= this.#ends.length) {
      this.#ends.splice(0, this.#head);
      this.#bytes.splice(0, this.#head);
      this.#head = 0;
    }
    return bytes;
  }
}
