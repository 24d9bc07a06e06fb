import type { Fifo } from '@rxtls/core';
import type { LinkFaults } from './link-faults.ts';

/** The middle of a road: lets bytes through piece by piece, as its faults have it. Knows offsets, no time and no ends. */
export class FaultyLink {
  readonly #faults: LinkFaults;
  #passed = 0;
  #pieces = 0;
  #stallAt: number;

  constructor(faults: LinkFaults) {
    this.#faults = faults;
    this.#stallAt = faults.stallAfter ?? Number.POSITIVE_INFINITY;
  }

  get stalled(): boolean {
    return this.#passed >= this.#stallAt;
  }

  /** The offset of the cut is reached. */
  get cutIsDue(): boolean {
    return this.#passed >= (this.#faults.cutAfter?.bytes ?? Number.POSITIVE_INFINITY);
  }

  stall(): void {
    this.#stallAt = this.#passed;
  }

  release(): void {
    this.#stallAt = Number.POSITIVE_INFINITY;
  }

  /** The next piece that goes through, taken from what waits; none when nothing waits or nothing may pass. */
  pass(waiting: Fifo<Uint8Array>): Uint8Array | undefined {
    const next = waiting.peek();
    const room = Math.min(this.#stallAt, this.#faults.cutAfter?.bytes ?? Number.POSITIVE_INFINITY) - this.#passed;
    if (!next || room <= 0) return undefined;
    const size = Math.min(room, this.#pieceSize());
    waiting.shift();
    if (next.length > size) waiting.unshift(next.subarray(size));
    const piece = this.#flip(next.length > size ? next.subarray(0, size) : next);
    this.#passed += piece.length;
    return piece;
  }

  #pieceSize(): number {
    const { fragment } = this.#faults;
    if (fragment === undefined) return Number.POSITIVE_INFINITY;
    const size =
      typeof fragment === 'number'
        ? fragment
        : typeof fragment === 'function'
          ? fragment(this.#passed)
          : fragment[this.#pieces++ % fragment.length]!;
    if (!(size >= 1)) throw new RangeError(`fragment gave ${String(size)}; sizes are numbers of at least 1`);
    return Math.floor(size);
  }

  #flip(piece: Uint8Array): Uint8Array {
    let damaged = piece;
    for (const { at, mask = 1 } of this.#faults.flip ?? []) {
      const index = at - this.#passed;
      if (index < 0 || index >= piece.length) continue;
      if (damaged === piece) damaged = piece.slice();
      damaged[index]! ^= mask;
    }
    return damaged;
  }
}
