import type { ByteDuplex } from '@rxtls/core';
import { BehaviorSubject, combineLatest, distinctUntilChanged, map } from 'rxjs';

/** One end of any transport, with faults that are switched on while it is used. */
export class FaultyWire {
  readonly duplex: ByteDuplex;
  readonly #isStarved = new BehaviorSubject(false);
  #flips = 0;
  #isMute = false;

  constructor({ source, sink, info, ...below }: ByteDuplex) {
    this.duplex = {
      info,
      unread: (bytes) => below.unread(bytes),
      source: {
        bytes: source.bytes.pipe(map((bytes) => this.#flipped(bytes))),
        request: (bytes) => source.request(bytes),
      },
      sink: {
        write: (bytes) => {
          if (!this.#isMute) sink.write(bytes);
        },
        demand: combineLatest([sink.demand, this.#isStarved]).pipe(
          map(([demand, isStarved]) => (isStarved ? 0 : demand)),
          distinctUntilChanged(),
        ),
        taken: sink.taken,
        end: () => {
          if (!this.#isMute) sink.end();
        },
        abort: (reason) => sink.abort(reason),
      },
    };
  }

  /** Flips a bit of the next chunk that comes: behind the header of the record that it begins with. */
  flip(): void {
    this.#flips++;
  }

  /** From now on nothing that this end says, and no end of it, reaches the other. */
  mute(): void {
    this.#isMute = true;
  }

  /** It takes nothing, until it is fed. */
  starve(): void {
    this.#isStarved.next(true);
  }

  feed(): void {
    this.#isStarved.next(false);
  }

  #flipped(bytes: Uint8Array): Uint8Array {
    if (this.#flips === 0 || bytes.length === 0) return bytes;
    this.#flips--;
    bytes[Math.min(5, bytes.length - 1)]! ^= 1;
    return bytes;
  }
}
