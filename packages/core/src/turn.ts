import type { SchedulerLike, Subscription } from 'rxjs';

/** What a turn is made of. */
export interface TurnHost {
  readonly isOver: boolean;
  /** One small thing; answers with its size in bytes, or -1 when there was nothing to do. */
  step(): number;
  /** Nothing is left to do: answers whether something new has come of that. */
  settle(): boolean;
  /** The turn is over. */
  turned(): void;
  /** Something threw that never may: whatever it was, the connection cannot go on. */
  threw(cause: unknown): void;
}

const settled = Promise.resolve();

/**
 * The loop that drives a connection. One turn runs at a time: what is asked for from inside it is found by the same loop, so
 * the stack never grows. After a bounded amount of work it yields to the event loop.
 */
export class Turn {
  readonly #host: TurnHost;
  readonly #scheduler: SchedulerLike;
  readonly #maxSteps: number;
  readonly #maxBytes: number;
  #isRunning = false;
  /** Calls of ours that are on the stack: no turn begins inside them. */
  #entered = 0;
  #isDue = false;
  /** A turn was asked for while one runs. */
  #isAsked = false;
  #yielded: Subscription | undefined;
  readonly #runDue = (): void => {
    this.#isDue = false;
    this.run();
  };

  constructor(host: TurnHost, scheduler: SchedulerLike, maxSteps: number, maxBytes: number) {
    this.#host = host;
    this.#scheduler = scheduler;
    this.#maxSteps = maxSteps;
    this.#maxBytes = maxBytes;
  }

  /** Runs until nothing is left to do, unless a turn runs or an `enter` is open. */
  run(): void {
    const host = this.#host;
    this.#isAsked = true;
    if (this.#isRunning || this.#entered > 0 || host.isOver) return;
    this.#isRunning = true;
    try {
      this.#work(host);
      this.#isRunning = false;
      host.turned();
    } catch (cause) {
      this.#isRunning = false;
      host.threw(cause);
    }
  }

  /** Until `leave`, no turn begins: what follows may call the engine. */
  enter(): void {
    this.#entered++;
  }

  leave(): void {
    this.#entered--;
    this.run();
  }

  /** An answer of an asynchronous engine: a turn follows when its own code has returned. */
  soon(): void {
    if (this.#isRunning || this.#entered > 0 || this.#isDue) return;
    this.#isDue = true;
    void settled.then(this.#runDue);
  }

  stop(): void {
    this.#yielded?.unsubscribe();
  }

  #work(host: TurnHost): void {
    let steps = 0;
    let bytes = 0;
    while (!host.isOver) {
      const work = host.step();
      if (work < 0) {
        this.#isAsked = false;
        if (host.settle() || this.#isAsked) continue; // settling may have changed demand, or made somebody write
        return;
      }
      bytes += work;
      if (++steps >= this.#maxSteps || bytes >= this.#maxBytes) return this.later();
    }
  }

  /** A turn follows when the event loop has been round. */
  later(): void {
    if (this.#host.isOver || this.#yielded?.closed === false) return;
    this.#yielded = this.#scheduler.schedule(() => {
      this.#yielded = undefined;
      this.run();
    }, 0);
  }
}
