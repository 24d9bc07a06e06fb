import { type SchedulerAction, type SchedulerLike, Subscription } from 'rxjs';

interface Due {
  at: number;
  readonly face: ClockFace;
  run(): void;
}

/** Time that passes only when it is told to. Everyone who schedules has a face of their own, so that leftovers have a name. */
export class VirtualClock {
  now = 1_000_000;
  /** In the order they are due, and of the same time in the order they were asked for. */
  #due: Due[] = [];

  face(): ClockFace {
    return new ClockFace(this);
  }

  add(due: Due): void {
    let at = this.#due.length;
    while (at > 0 && this.#due[at - 1]!.at > due.at) at--;
    this.#due.splice(at, 0, due);
  }

  remove(due: Due): void {
    const at = this.#due.indexOf(due);
    if (at >= 0) this.#due.splice(at, 1);
  }

  pending(face: ClockFace): number {
    return this.#due.filter((due) => due.face === face).length;
  }

  /** Runs the oldest that is due until then; false when there is none. */
  runNext(until: number): boolean {
    const next = this.#due[0];
    if (next === undefined || next.at > until) return false;
    this.#due.shift();
    this.now = Math.max(this.now, next.at);
    next.run();
    return true;
  }
}

export class ClockFace implements SchedulerLike {
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now;
  }

  /** What this face has scheduled and is not done. */
  get pending(): number {
    return this.#clock.pending(this);
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    return new ClockAction<T>(this.#clock, this, work).schedule(state, delay);
  }
}

class ClockAction<T> extends Subscription implements SchedulerAction<T> {
  readonly #clock: VirtualClock;
  readonly #face: ClockFace;
  readonly #work: (this: SchedulerAction<T>, state?: T) => void;
  #due: Due | undefined;

  constructor(clock: VirtualClock, face: ClockFace, work: (this: SchedulerAction<T>, state?: T) => void) {
    super();
    this.#clock = clock;
    this.#face = face;
    this.#work = work;
    this.add(() => {
      if (this.#due !== undefined) this.#clock.remove(this.#due);
    });
  }

  schedule(state?: T, delay = 0): Subscription {
    if (this.closed) return this;
    const run = (): void => {
      this.#due = undefined;
      this.#work.call(this, state);
    };
    this.#due = { at: this.#clock.now + Math.max(0, delay), face: this.#face, run };
    this.#clock.add(this.#due);
    return this;
  }
}
