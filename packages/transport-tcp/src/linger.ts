/** What lingering leads to. */
export interface LingerSteps {
  /** Half the time is over: nobody will read what arrives. */
  discard(): void;
  /** The time is over. */
  close(): void;
}

/**
 * The time a socket has after `end()` while nobody is subscribed to its bytes. In the first half what arrives is kept
 * for a subscriber that may still come, in the second it is discarded, then the socket is closed. Progress of the
 * writes starts the running half again. The timers keep no process alive.
 */
export class Linger {
  readonly #half: number;
  readonly #steps: LingerSteps;
  #timer: NodeJS.Timeout | undefined;

  constructor(milliseconds: number, steps: LingerSteps) {
    this.#half = Math.max(1, milliseconds / 2);
    this.#steps = steps;
  }

  /** Begins, unless it has begun; with `discarding` it is known already that nobody will read. */
  start(discarding: boolean): void {
    if (this.#timer) return;
    this.#timer = discarding
      ? setTimeout(() => this.#steps.close(), this.#half * 2)
      : setTimeout(() => this.#secondHalf(), this.#half);
    this.#timer.unref();
  }

  progress(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #secondHalf(): void {
    this.#timer = setTimeout(() => this.#steps.close(), this.#half);
    this.#timer.unref();
    this.#steps.discard();
  }
}
