import type { AlertDescription } from './alert.ts';
import type { TlsError } from './tls-error.ts';

/** What RxJS and others call an observable, seen from here: something with `subscribe`. */
export interface Subscribable<T> {
  subscribe(observer: { next(value: T): void; error(error: unknown): void; complete(): void }): {
    unsubscribe(): void;
  };
}

/** A value, a promise of one, or an observable of exactly one. */
export type TaskResult<T> = T | PromiseLike<T> | Subscribable<T>;

/**
 * A function of the user's that the engine needs an answer from: a verification, a choice of credentials, a signature.
 * Core runs it after the engine call has returned and settles it exactly once, unless the connection is gone by then:
 * `resolve` with its one value, or `reject` when it threw, errored, was empty, gave two values or was late.
 */
export interface EngineTask<T = unknown> {
  /** The option's name as the user knows it, for messages: `verify`. */
  readonly name: string;
  /** The alert a failure of this function stands for (RFC 8446 §6.2), where the engine can send any. */
  readonly alert: AlertDescription;
  run(): TaskResult<T>;
  resolve(value: T): void;
  reject(error: TlsError): void;
}
