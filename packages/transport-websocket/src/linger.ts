import type { SchedulerLike, Subscription } from 'rxjs';

/** What lingering leads to. */
export interface LingerSteps {
  /** Half the time is over. */
  halfway(): void;
  /** The time is over. */
  over(): void;
}

/** The time a WebSocket has for its closing handshake while nothing moves. Progress starts the running half again. */
export class Linger {
  readonly #half: number;
  readonly #scheduler: SchedulerLike;
  readonly #steps: LingerSteps;
  #timer: Subscription | undefined;
  #isSecondHalf = false;

  constructor(milliseconds: number, scheduler: SchedulerLike, steps: LingerSteps) {
    this.#half = Math.max(1, milliseconds / 2);
    this.#scheduler = scheduler;
    this.#steps = steps;
  }

  /** Begins, unless it has begun. */
  start(): void {
    if (this.#timer) return;
    this.#timer = this.#scheduler.schedule(this.#elapsed, this.#half);
  }

  progress(): void {
    if (!this.#timer) return;
    this.#timer.unsubscribe();
    this.#timer = this.#scheduler.schedule(this.#elapsed, this.#half);
  }

  stop(): void {
    this.#timer?.unsubscribe();
    this.#timer = undefined;
    this.#isSecondHalf = false;
  }

  readonly #elapsed = (): void => {
    this.#timer = undefined;
    if (this.#isSecondHalf) return this.#steps.over();
    this.#isSecondHalf = true;
    this.start();
    this.#steps.halfway();
  };
}
