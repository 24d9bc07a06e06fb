import type { SchedulerLike, Subscription } from 'rxjs';

/** One deadline at a time on a scheduler. */
export class Timer {
  readonly #scheduler: SchedulerLike;
  #pending: Subscription | undefined;

  constructor(scheduler: SchedulerLike) {
    this.#scheduler = scheduler;
  }

  get isSet(): boolean {
    return this.#pending !== undefined;
  }

  /** Replaces what was set. */
  set(milliseconds: number, due: () => void): void {
    this.clear();
    this.#pending = this.#scheduler.schedule(() => {
      this.#pending = undefined;
      due();
    }, milliseconds);
  }

  clear(): void {
    this.#pending?.unsubscribe();
    this.#pending = undefined;
  }
}
