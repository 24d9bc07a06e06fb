import { recordHeaderBytes } from '@rxtls/core/engine';

/** Follows the records OpenSSL sends by their headers, however Node cuts them into chunks. */
export class SentRecords {
  readonly #passed: (type: number, length: number) => void;
  readonly #header = new Uint8Array(recordHeaderBytes);
  #headerBytes = 0;
  #left = 0;

  constructor(passed: (type: number, length: number) => void) {
    this.#passed = passed;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      this.#header[this.#headerBytes++] = bytes[at++] ?? 0;
      if (this.#headerBytes < recordHeaderBytes) continue;
      this.#headerBytes = 0;
      const [type = 0, , , high = 0, low = 0] = this.#header;
      this.#left = (high << 8) | low;
      this.#passed(type, this.#left);
    }
  }
}
