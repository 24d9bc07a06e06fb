import { Subject } from 'rxjs';
import type { TlsError, TlsEvent } from './engine/index.ts';

/** The `events` of one connection. Whoever has something to tell asks `observed` first, and makes no event for nobody. */
export class EventStream extends Subject<TlsEvent> {
  readonly #clock: () => number;
  readonly #startedAt: number;

  /** `clock`: milliseconds from any start, never going back. */
  constructor(clock: () => number) {
    super();
    this.#clock = clock;
    this.#startedAt = clock();
  }

  /** Milliseconds since the connection's start. */
  get age(): number {
    return this.#clock() - this.#startedAt;
  }

  override next(event: TlsEvent): void {
    super.next(Object.freeze(event));
  }

  /** A user's function that began at that age is done. */
  task(name: string, outcome: 'answered' | 'failed', begunAt: number): void {
    if (this.observed) this.next({ type: 'task', name, outcome, milliseconds: this.age - begunAt });
  }

  /** Nothing more will happen. */
  end(error: TlsError | undefined): void {
    if (this.observed) this.next({ type: 'ended', milliseconds: this.age, ...(error && { error }) });
    this.complete();
  }
}
