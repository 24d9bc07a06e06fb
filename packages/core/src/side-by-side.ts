import { maxPlaintextRecordBytes } from './engine/index.ts';

/** What is larger gains little from sharing a record, and wastes much of a block it does not fit in. */
export const smallBytes = 4_096;

/**
 * Where writes wait for the engine. Small ones are copied into one block, one behind the other, so that as many as a record
 * holds go to the engine in one piece without another copy. The bytes before the next free one are not written to again.
 */
export class SideBySide {
  #block: Uint8Array | undefined;
  #used = 0;

  /** The bytes as they may wait; `owned`: nobody else will write to them. */
  keep(bytes: Uint8Array, owned: boolean): Uint8Array {
    const { length } = bytes;
    // Not `slice()`: on a Node Buffer that is a view of the caller's bytes.
    if (length > smallBytes) return owned ? bytes : new Uint8Array(bytes);
    if (this.#block === undefined || this.#used + length > this.#block.length) {
      this.#block = new Uint8Array(maxPlaintextRecordBytes);
      this.#used = 0;
    }
    const kept = this.#block.subarray(this.#used, this.#used + length);
    kept.set(bytes);
    this.#used += length;
    return kept;
  }

  /** Nothing waits. */
  clear(): void {
    this.#block = undefined;
  }
}

/** `next` begins where the first `length` bytes from the beginning of `first` on end. */
export const besides = (first: Uint8Array, length: number, next: Uint8Array): boolean =>
  next.buffer === first.buffer && next.byteOffset === first.byteOffset + length;
