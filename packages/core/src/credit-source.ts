import { Observable, type Subscriber } from 'rxjs';
import type { ByteSource } from './duplex.ts';
import { ApiMisuseError } from './engine/index.ts';
import { Fifo } from './fifo.ts';
import { GuardedObservable } from './guarded-observable.ts';
import { reporting } from './reporting.ts';

/** What the owner of a {@link CreditSource} wants to hear. */
export interface CreditSourceOwner {
  /** Credit was added, or a subscriber came or went: there may be room for more. */
  creditChanged?(): void;
  /** These bytes were taken by the subscriber; called before it sees them. */
  read?(bytes: number): void;
  /** The subscriber's own handler threw. */
  readerThrew?(error: unknown): void;
}

/**
 * The receiving half of any duplex: bytes that were pushed wait here until somebody subscribes and asks for them.
 * One subscriber at a time; the next one goes on where the last stopped. The end comes after the last byte.
 */
export class CreditSource implements ByteSource {
  /** Emits while credit is left. */
  readonly bytes: Observable<Uint8Array>;
  /** The same stream with endless credit for as long as it is subscribed. */
  readonly endless: Observable<Uint8Array>;
  readonly #owner: CreditSourceOwner;
  readonly #chunks = new Fifo<Uint8Array>();
  #held = 0;
  #credit = 0;
  #isEndless = false;
  #subscriber: Subscriber<Uint8Array> | undefined;
  /** Came while the one before it was being told something: `take(1)` lets go only after its `next` has returned. */
  #successor: { readonly subscriber: Subscriber<Uint8Array>; readonly endless: boolean } | undefined;
  #emitting = false;
  #ended: 'no' | 'complete' | 'error' = 'no';
  #error: (() => unknown) | undefined;
  #delivered = false;

  constructor(owner: CreditSourceOwner = {}) {
    this.#owner = owner;
    const thrown = (error: unknown): void => owner.readerThrew?.(error);
    this.bytes = new GuardedObservable((subscriber) => this.#attach(subscriber, false), thrown);
    this.endless = new GuardedObservable((subscriber) => this.#attach(subscriber, true), thrown);
  }

  /** Bytes that wait for the reader. */
  get held(): number {
    return this.#held;
  }

  /** Chunks that wait for the reader. */
  get chunks(): number {
    return this.#chunks.size;
  }

  /** Bytes the reader would take now beyond what waits. */
  get credit(): number {
    return this.#isEndless ? Number.POSITIVE_INFINITY : this.#credit;
  }

  get subscribed(): boolean {
    return this.#subscriber !== undefined;
  }

  /** The end was told to a subscriber, or there is none and nothing waits before the end. */
  get finished(): boolean {
    return this.#ended !== 'no' && (this.#delivered || (this.#held === 0 && this.#subscriber === undefined));
  }

  request(bytes: number): void {
    if (typeof bytes !== 'number' || Number.isNaN(bytes) || bytes < 0)
      throw new ApiMisuseError('request(bytes) takes a number of bytes of at least 0, or Infinity');
    this.#credit += bytes;
    this.#emit();
    this.#owner.creditChanged?.();
  }

  push(bytes: Uint8Array): void {
    if (this.#ended !== 'no' || bytes.length === 0) return;
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    this.#emit();
  }

  /** Puts bytes in front of everything that waits; in front of an end that has been seen too: the next subscriber gets both. */
  unread(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#delivered = false;
    this.#chunks.unshift(bytes);
    this.#held += bytes.length;
    this.#emit();
  }

  complete(): void {
    if (this.#ended !== 'no') return;
    this.#ended = 'complete';
    this.#emit();
  }

  /** Ends with an error: after what waits has been read, or at once (`drop`). */
  fail(error: unknown, drop: boolean): void {
    this.failWith(() => error, drop);
  }

  /** The same, with an error that is made when there is somebody to hear it: where mostly nobody does. */
  failWith(error: () => unknown, drop: boolean): void {
    if (this.#ended === 'error' || this.#delivered) {
      if (drop) this.discard();
      return;
    }
    this.#ended = 'error';
    this.#error = error;
    if (drop) this.discard();
    this.#emit();
  }

  /** Forgets what waits. */
  discard(): void {
    this.#chunks.clear();
    this.#held = 0;
    this.#emit();
  }

  #attach(subscriber: Subscriber<Uint8Array>, endless: boolean): void {
    if (this.#subscriber !== undefined) {
      if (this.#emitting && this.#successor === undefined) this.#successor = { subscriber, endless };
      else refuse(subscriber);
      return;
    }
    this.#subscriber = subscriber;
    this.#isEndless = endless;
    subscriber.add(() => {
      if (this.#subscriber !== subscriber) return;
      this.#subscriber = undefined;
      this.#isEndless = false;
      this.#owner.creditChanged?.();
    });
    this.#emit();
    this.#owner.creditChanged?.();
  }

  #emit(): void {
    if (this.#emitting) return; // the loop below goes on
    this.#emitting = true;
    try {
      while (this.#subscriber !== undefined) {
        if (this.#held > 0) {
          if (this.credit <= 0) break;
          this.#emitOne(this.#subscriber);
        } else if (this.#ended !== 'no') this.#finish(this.#subscriber);
        else break;
      }
    } finally {
      this.#emitting = false;
    }
  }

  #emitOne(subscriber: Subscriber<Uint8Array>): void {
    const bytes = this.#chunks.shift()!;
    this.#held -= bytes.length;
    if (!this.#isEndless) this.#credit -= bytes.length;
    this.#owner.read?.(bytes.length);
    subscriber.next(bytes);
    if (this.#successor !== undefined) this.#succeed(this.#successor);
  }

  /** Whoever came during `next` takes over if the one before has gone. */
  #succeed({ subscriber, endless }: { readonly subscriber: Subscriber<Uint8Array>; readonly endless: boolean }): void {
    this.#successor = undefined;
    if (this.#subscriber === undefined) this.#attach(subscriber, endless);
    else refuse(subscriber);
  }

  #finish(subscriber: Subscriber<Uint8Array>): void {
    this.#delivered = true;
    this.#subscriber = undefined;
    this.#isEndless = false;
    reporting(() => {
      if (this.#ended === 'error') subscriber.error(this.#error?.());
      else subscriber.complete();
    });
    this.#owner.creditChanged?.();
  }
}

function refuse(subscriber: Subscriber<Uint8Array>): void {
  subscriber.error(
    new ApiMisuseError('these bytes have a subscriber already; unsubscribe it first, or use share() for several'),
  );
}
