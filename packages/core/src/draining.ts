import { ReplaySubject, type SchedulerLike, type Subject, Subscription, take } from 'rxjs';
import type { Admission } from './admission.ts';
import type { Drain, DrainedConnection } from './drain.ts';
import { AbortedError } from './engine/index.ts';
import { reporting } from './reporting.ts';
import type { Stage } from './stage.ts';
import { Timer } from './timer.ts';

/** The connections of one server, which a `drain` brings to their end. */
export class Draining {
  /** Emits once, when nobody new is to be accepted. */
  readonly begun: Subject<void> = new ReplaySubject(1);
  /** Emits once, when whatever is left is cut. */
  readonly over: Subject<void> = new ReplaySubject(1);
  readonly #drain: Drain;
  readonly #admission: Admission;
  readonly #deadline: Timer;
  readonly #tick: Timer;
  /** How much had moved when each was last looked at. */
  readonly #stages = new Map<Stage, number>();
  #isBegun = false;
  /** The one that is being cut. */
  #cutting: Stage | undefined;
  /** When no connection is left, and none will come. */
  #completed: (() => void) | undefined;

  constructor(drain: Drain, admission: Admission, scheduler: SchedulerLike) {
    this.#drain = drain;
    this.#admission = admission;
    this.#deadline = new Timer(scheduler);
    this.#tick = new Timer(scheduler);
  }

  /** Waits for the notifier, whose failure `failed` hears. */
  start(failed: (error: unknown) => void): Subscription {
    const subscription = new Subscription(() => {
      this.#deadline.clear();
      this.#tick.clear();
    });
    const begin = (): void => this.#begin();
    subscription.add(this.#drain.notifier.pipe(take(1)).subscribe({ next: begin, error: failed }));
    return subscription;
  }

  /** None will come any more; `then` once all that were there have been reported. */
  completed(then: () => void): void {
    this.#completed = then;
    this.#tellEnd();
  }

  started(stage: Stage): void {
    this.#stages.set(stage, -1);
  }

  connected(stage: Stage): void {
    if (this.#isBegun && this.#drain.quiet === 0) stage.queueClose();
  }

  ended(stage: Stage): void {
    this.#report(stage, stage === this.#cutting ? 'cut' : stage.end === 'clean' ? 'closed' : 'failed');
  }

  #begin(): void {
    const { deadline, quiet } = this.#drain;
    this.#isBegun = true;
    this.#deadline.set(deadline, () => this.#cut());
    if (quiet > 0) this.#watch();
    else for (const stage of this.#stages.keys()) if (isOpen(stage)) stage.queueClose();
    this.begun.next(); // last: where nobody is left, this is the end already
  }

  #watch(): void {
    this.#tick.set(this.#drain.quiet, () => this.#watch()); // first: a close may be the end of all, which clears it
    for (const [stage, moved] of this.#stages) {
      const now = stage.closing.moved;
      if (now !== moved) this.#stages.set(stage, now);
      else if (isOpen(stage) && stage.outbound.isSettled) stage.queueClose();
    }
  }

  #cut(): void {
    const message = `open at the deadline of its drain, ${this.#drain.deadline} ms`;
    this.#admission.close();
    for (const stage of this.#stages.keys()) {
      // Who has failed by itself, maybe by what the cut of another led to, waits for a slow reader alone. After `over` nobody hears of it.
      const hasFailed = stage.end === 'failed';
      this.#cutting = hasFailed ? undefined : stage;
      if (hasFailed) stage.ending.abandon();
      else stage.ending.fail(new AbortedError(message, { retryable: true }), true);
      this.#report(stage, hasFailed ? 'failed' : 'cut'); // a reader that is slow to hear of it keeps nobody else from it
    }
    this.over.next();
  }

  #report(stage: Stage, outcome: DrainedConnection['outcome']): void {
    if (!this.#stages.delete(stage)) return;
    const { info } = stage.transport;
    if (this.#isBegun)
      reporting(() => this.#drain.drained.next?.({ info, ledger: stage.outbound.ledger.snapshot(), outcome }));
    this.#tellEnd();
  }

  /** A reader hears of the end of its connection before we do. */
  #tellEnd(): void {
    const then = this.#completed;
    if (then === undefined || this.#stages.size > 0) return;
    this.#completed = undefined; // once, although whoever hears of the last one may end the rest
    if (this.#isBegun) reporting(() => this.#drain.drained.complete?.());
    then();
  }
}

const isOpen = (stage: Stage): boolean => stage.parameters !== undefined && stage.end === 'no';
