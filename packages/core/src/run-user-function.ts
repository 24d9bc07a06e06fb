import {
  from,
  isObservable,
  type Observable,
  type ObservableInput,
  type SchedulerLike,
  Subscription,
  take,
} from 'rxjs';
import { apart } from './apart.ts';
import { type AlertDescription, EngineFailureError, HandshakeTimeoutError, TlsError } from './engine/index.ts';

/** A function of the user's, and what to do with its one value. */
export interface UserFunction<T> {
  /** The option's name, for messages. */
  readonly name: string;
  /** What the peer is told when it fails; a late one is told `handshake_failure`. */
  readonly alert: AlertDescription;
  readonly milliseconds: number;
  readonly scheduler: SchedulerLike;
  run(): unknown;
  resolve(value: T): void;
  reject(error: TlsError): void;
}

/**
 * Runs a user's function and takes exactly one value from it: a plain one, a promise's or an observable's. Throw, error,
 * empty, two values and late each reject with a typed error, and exactly one of `resolve` and `reject` is called unless the
 * returned subscription is unsubscribed first.
 */
export function runUserFunction<T>(task: UserFunction<T>): Subscription {
  const done = new Subscription();
  let settled = false;
  let values = 0;
  let value: T | undefined;
  const settle = (error: TlsError | undefined): void => {
    if (settled || done.closed) return;
    settled = true;
    done.unsubscribe();
    if (error === undefined) task.resolve(value as T);
    else task.reject(error);
  };
  const failed = (cause: unknown): TlsError =>
    cause instanceof TlsError
      ? cause
      : new EngineFailureError(`the function for '${task.name}' failed`, { alert: task.alert, cause });
  const wrongCount = (what: string): TlsError =>
    new EngineFailureError(`the function for '${task.name}' ${what}; it must give exactly one value`, {
      alert: task.alert,
    });
  let input: Observable<T> | undefined;
  try {
    const result = task.run();
    if (isInput(result)) input = from(result as ObservableInput<T>);
    else value = result as T;
  } catch (error) {
    settle(failed(error));
    return done;
  }
  if (input === undefined) {
    settle(undefined);
    return done;
  }
  done.add(
    task.scheduler.schedule(
      () =>
        settle(
          new HandshakeTimeoutError(
            'taskTimeout',
            `the function for '${task.name}' took over ${task.milliseconds} ms`,
            {
              alert: 'handshake_failure',
            },
          ),
        ),
      task.milliseconds,
    ),
  );
  const observer = {
    next(next: T): void {
      value = next;
      if (++values > 1) settle(wrongCount('gave two values'));
    },
    error: (error: unknown): void => settle(failed(error)),
    complete: (): void => settle(values === 0 ? wrongCount('gave no value') : undefined),
  };
  // Two are enough, of an observable that never stops within `subscribe` too; and its teardown may throw like all that is the user's.
  done.add(apart(input.pipe(take(2))).subscribe(observer));
  return done;
}

/** Observables and promises are waited for; everything else, strings and lists too, is the value itself. */
function isInput(result: unknown): boolean {
  if (isObservable(result)) return true;
  if (typeof result !== 'object' || result === null) return false;
  return (
    typeof (result as { then?: unknown }).then === 'function' ||
    Symbol.for('observable') in result ||
    '@@observable' in result
  );
}
