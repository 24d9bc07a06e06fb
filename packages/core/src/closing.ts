import type { Subscriber } from 'rxjs';
import type { ByteDuplex } from './duplex.ts';
import { ApiMisuseError, LimitExceededError, type TlsError } from './engine/index.ts';
import { reporting } from './reporting.ts';
import type { Stage } from './stage.ts';
import { Timer } from './timer.ts';

/** Who waits for which end: `close`, `closeWrite` and `unwrap`, and the time they may take without progress. */
export class Closing {
  /** Our close is in the queue or sent. */
  isQueued = false;
  /** `close` was called: plaintext that nobody asks for is dropped, and a bare end of the transport will do. */
  isDiscarding = false;
  /** `unwrap` was called: the transport outlives the connection. */
  isUnwrapping = false;
  readonly #stage: Stage;
  readonly #timer: Timer;
  #closers: Subscriber<never>[] = [];
  #writeClosers: Subscriber<never>[] = [];
  #unwrappers: Subscriber<ByteDuplex>[] = [];
  #unwrapped = false;
  /** The bytes that had moved when it was last looked at, and when they did. */
  #progress = -1;
  #progressAt = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#timer = new Timer(stage.scheduler);
  }

  close(subscriber: Subscriber<never>): void {
    if (this.#stage.end === 'clean') return subscriber.complete();
    if (this.#isDead(subscriber)) return;
    this.#closers.push(subscriber);
    this.isDiscarding = true;
    this.watch();
    this.#discard();
    this.#stage.queueClose();
  }

  closeWrite(subscriber: Subscriber<never>): void {
    if (this.#stage.end === 'clean' || (this.#stage.end === 'no' && this.isWriteClosed)) return subscriber.complete();
    if (this.#isDead(subscriber)) return;
    this.#writeClosers.push(subscriber);
    this.#stage.queueClose();
  }

  unwrap(subscriber: Subscriber<ByteDuplex>): void {
    if (this.#unwrapped) {
      subscriber.next(this.#stage.transport);
      subscriber.complete();
      return;
    }
    if (this.#stage.end === 'clean') {
      subscriber.error(new ApiMisuseError('unwrap() after the connection was closed: its transport is closed too'));
      return;
    }
    if (this.#isDead(subscriber)) return;
    this.#unwrappers.push(subscriber);
    this.isUnwrapping = true;
    this.watch();
    this.#stage.queueClose();
  }

  /** Starts the clock, which runs from whatever moved last. */
  watch(): void {
    if (this.#timer.isSet || this.#stage.end !== 'no') return;
    this.#progress = -1;
    this.#note();
    this.#wait(this.#stage.limits.closeTimeout);
  }

  #wait(milliseconds: number): void {
    this.#timer.set(milliseconds, () => {
      this.#note();
      const { limits, scheduler, ending } = this.#stage;
      const ms = limits.closeTimeout;
      const left = this.#progressAt + ms - scheduler.now();
      if (left > 0) return this.#wait(left);
      ending.stuck(
        new LimitExceededError('closeTimeout', `closing made no progress for ${ms} ms (limits.closeTimeout)`),
      );
    });
  }

  #note(): void {
    const { moved } = this;
    if (moved === this.#progress) return;
    this.#progress = moved;
    this.#progressAt = this.#stage.scheduler.now();
  }

  /** Something moved: whoever waits for less than the whole end may be served. */
  check(): void {
    if (this.#timer.isSet) this.#note();
    if (this.#writeClosers.length === 0 || !this.isWriteClosed) return;
    const waiting = this.#writeClosers;
    this.#writeClosers = [];
    for (const subscriber of waiting) reporting(() => subscriber.complete());
  }

  done(): void {
    this.#timer.clear();
    const { transport } = this.#stage;
    this.#unwrapped = this.isUnwrapping;
    for (const subscriber of this.#unwrappers)
      reporting(() => {
        subscriber.next(transport);
        subscriber.complete();
      });
    for (const subscriber of [...this.#writeClosers, ...this.#closers]) reporting(() => subscriber.complete());
    this.#forget();
  }

  failed(error: TlsError): void {
    this.#timer.clear();
    for (const subscriber of [...this.#writeClosers, ...this.#closers, ...this.#unwrappers])
      reporting(() => subscriber.error(error));
    this.#forget();
  }

  /** Our close_notify was sent, and the transport has taken it and everything before it. */
  get isWriteClosed(): boolean {
    const { state, outbound } = this.#stage;
    return (state === 'writeClosed' || state === 'closed') && outbound.isFlushed;
  }

  /** Grows with every byte that moves. */
  get moved(): number {
    return this.#stage.outbound.taken + this.#stage.inbound.received;
  }

  #discard(): void {
    const { inbound } = this.#stage;
    if (!inbound.reader.subscribed) inbound.discard();
  }

  #forget(): void {
    this.#writeClosers = [];
    this.#closers = [];
    this.#unwrappers = [];
  }

  #isDead(subscriber: Subscriber<unknown>): boolean {
    const { end, error } = this.#stage;
    if (end === 'no') return false;
    subscriber.error(new ApiMisuseError('the connection has ended', { phase: 'closed', cause: error }));
    return true;
  }
}
