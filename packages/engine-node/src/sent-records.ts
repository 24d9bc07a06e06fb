import { contentType, recordHeaderBytes } from '@rxtls/core/engine';

/** What came by, as far as it can be seen from outside. */
export interface SentRecordsReader {
  recordSent(type: number, length: number): void;
  /** An alert in the clear: two bytes, where a protected one is never that short. */
  clearAlertSent(level: number, description: number): void;
}

/** Follows the records OpenSSL sends by their headers, however Node cuts them into chunks. */
export class SentRecords {
  readonly #reader: SentRecordsReader;
  /** The header, and the two bytes of an alert behind it. */
  readonly #seen = new Uint8Array(recordHeaderBytes + 2);
  #seenBytes = 0;
  #left = 0;

  constructor(reader: SentRecordsReader) {
    this.#reader = reader;
  }

  push(bytes: Uint8Array): void {
    const seen = this.#seen;
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const step = Math.min(this.#left, bytes.length - at);
        this.#left -= step;
        at += step;
        continue;
      }
      seen[this.#seenBytes++] = bytes[at++] ?? 0;
      if (this.#seenBytes < recordHeaderBytes) continue;
      const [type = 0, , , high = 0, low = 0, level = 0, description = 0] = seen;
      const length = (high << 8) | low;
      const isClearAlert = type === contentType.alert && length === 2;
      if (this.#seenBytes === recordHeaderBytes) {
        this.#reader.recordSent(type, length);
        if (isClearAlert) continue;
      } else if (this.#seenBytes < seen.length) continue;
      else this.#reader.clearAlertSent(level, description);
      this.#seenBytes = 0;
      if (!isClearAlert) this.#left = length;
    }
  }
}
