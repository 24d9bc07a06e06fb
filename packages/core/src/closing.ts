import type { SchedulerLike, Subscriber } from 'rxjs';
import type { ByteDuplex } from './duplex.ts';
import { ApiMisuseError, LimitExceededError, type Limits, type TlsError } from './engine/index.ts';
import { Timer } from './timer.ts';

/** What closing asks of the stage. */
export interface ClosingHost {
  readonly limits: Limits;
  readonly scheduler: SchedulerLike;
  readonly transport: ByteDuplex;
  readonly end: 'no' | 'clean' | 'failed';
  readonly error: TlsError | undefined;
  /** Grows with every byte that moves. */
  readonly progress: number;
  /** Our close_notify was sent, and the transport took it and everything before it. */
  readonly isWriteClosed: boolean;
  queueClose(): void;
  discardPlaintext(): void;
  /** Nothing moved for `limits.closeTimeout`. */
  stuck(error: LimitExceededError): void;
}

/** Who waits for which end: `close`, `closeWrite` and `unwrap`, and the time they may take without progress. */
export class Closing {
  /** Our close is in the queue or sent. */
  isQueued = false;
  /** `close` was called: plaintext that nobody asks for is dropped, and a bare end of the transport will do. */
  isDiscarding = false;
  /** `unwrap` was called: the transport outlives the connection. */
  isUnwrapping = false;
  readonly #host: ClosingHost;
  readonly #timer: Timer;
  #closers: Subscriber<never>[] = [];
  #writeClosers: Subscriber<never>[] = [];
  #unwrappers: Subscriber<ByteDuplex>[] = [];
  #unwrapped = false;
  #progress = 0;

  constructor(host: ClosingHost) {
    this.#host = host;
    this.#timer = new Timer(host.scheduler);
  }

  close(subscriber: Subscriber<never>): void {
    if (this.#host.end === 'clean') return subscriber.complete();
    if (this.#isDead(subscriber)) return;
    this.#closers.push(subscriber);
    this.isDiscarding = true;
    this.watch();
    this.#host.discardPlaintext();
    this.#host.queueClose();
  }

  closeWrite(subscriber: Subscriber<never>): void {
    if (this.#host.end === 'clean' || (this.#host.end === 'no' && this.#host.isWriteClosed))
      return subscriber.complete();
    if (this.#isDead(subscriber)) return;
    this.#writeClosers.push(subscriber);
    this.#host.queueClose();
  }

  unwrap(subscriber: Subscriber<ByteDuplex>): void {
    if (this.#unwrapped) {
      subscriber.next(this.#host.transport);
      subscriber.complete();
      return;
    }
    if (this.#host.end === 'clean') {
      subscriber.error(new ApiMisuseError('unwrap() after the connection was closed: its transport is closed too'));
      return;
    }
    if (this.#isDead(subscriber)) return;
    this.#unwrappers.push(subscriber);
    this.isUnwrapping = true;
    this.watch();
    this.#host.queueClose();
  }

  /** Starts the clock; it is wound again whenever something moves. */
  watch(): void {
    if (this.#timer.isSet || this.#host.end !== 'no') return;
    this.#progress = this.#host.progress;
    this.#timer.set(this.#host.limits.closeTimeout, () => {
      if (this.#host.progress !== this.#progress) return this.watch();
      const ms = this.#host.limits.closeTimeout;
      this.#host.stuck(
        new LimitExceededError('closeTimeout', `closing made no progress for ${ms} ms (limits.closeTimeout)`),
      );
    });
  }

  /** Something moved: whoever waits for less than the whole end may be served. */
  check(): void {
    if (this.#writeClosers.length === 0 || !this.#host.isWriteClosed) return;
    const waiting = this.#writeClosers;
    this.#writeClosers = [];
    for (const subscriber of waiting) subscriber.complete();
  }

  done(): void {
    this.#timer.clear();
    const { transport } = this.#host;
    this.#unwrapped = this.isUnwrapping;
    for (const subscriber of this.#unwrappers) {
      subscriber.next(transport);
      subscriber.complete();
    }
    for (const subscriber of [...this.#writeClosers, ...this.#closers]) subscriber.complete();
    this.#forget();
  }

  failed(error: TlsError): void {
    this.#timer.clear();
    for (const subscriber of [...this.#writeClosers, ...this.#closers, ...this.#unwrappers]) subscriber.error(error);
    this.#forget();
  }

  #forget(): void {
    this.#writeClosers = [];
    this.#closers = [];
    this.#unwrappers = [];
  }

  #isDead(subscriber: Subscriber<unknown>): boolean {
    const { end, error } = this.#host;
    if (end === 'no') return false;
    subscriber.error(new ApiMisuseError('the connection has ended', { phase: 'closed', cause: error }));
    return true;
  }
}
