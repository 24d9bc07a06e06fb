import type { Clock } from './clock.ts';

/** What lingering leads to. */
export interface LingerSteps {
  /** Half the time is over: nobody will read what arrives. */
  discard(): void;
  /** The time is over. */
  close(): void;
}

/**
 * The time a duplex has after `end()` while nobody is subscribed to its bytes. In the first half what arrives is kept for a
 * subscriber that may still come, in the second it is discarded, then all is closed. Progress starts the running half again.
 */
export class Linger {
  readonly #half: number;
  readonly #clock: Clock;
  readonly #steps: LingerSteps;
  #cancel: (() => void) | undefined;
  #rest: { readonly milliseconds: number; readonly isLast: boolean } | undefined;

  constructor(milliseconds: number, clock: Clock, steps: LingerSteps) {
    this.#half = Math.max(1, milliseconds / 2);
    this.#clock = clock;
    this.#steps = steps;
  }

  /** Begins, unless it has begun; with `discarding` it is known already that nobody will read. */
  start(discarding: boolean): void {
    if (this.#rest !== undefined) return;
    this.#wait(discarding ? this.#half * 2 : this.#half, discarding);
  }

  progress(): void {
    if (this.#rest !== undefined) this.#wait(this.#rest.milliseconds, this.#rest.isLast);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#rest = undefined;
  }

  #wait(milliseconds: number, isLast: boolean): void {
    this.stop();
    this.#rest = { milliseconds, isLast };
    this.#cancel = this.#clock(milliseconds, () => {
      this.stop();
      if (isLast) return this.#steps.close();
      this.#wait(this.#half, true);
      this.#steps.discard();
    });
  }
}
