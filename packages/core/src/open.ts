import { isObservable, type Observable, type Observer } from 'rxjs';
import { AbortedError, ApiMisuseError } from './engine/index.ts';
import type { TlsConnection } from './tls-connection.ts';

/**
 * A connection for async/await: resolves with the first one and keeps it subscribed (`firstValueFrom` would tear it down).
 * `await using` closes it gracefully; a connection that has ended by itself needs no closing.
 *
 * @example
 * await using connection = await open(connect({ host, port }).pipe(secure(engine)));
 */
export function open(source: Observable<TlsConnection>): Promise<TlsConnection & AsyncDisposable> {
  return new Promise((resolve, reject) => {
    if (!isObservable(source)) throw new ApiMisuseError('open(source) takes an observable of a connection');
    let isOver = false;
    const subscription = source.subscribe({
      next(connection) {
        const close = (): Promise<void> =>
          new Promise<void>((done, failed) => {
            if (isOver) done();
            else connection.close().subscribe(unheard(failed, done));
          });
        const dispose = (): Promise<void> => close().finally(() => subscription.unsubscribe());
        resolve(Object.assign(connection, { [Symbol.asyncDispose]: dispose }));
      },
      error(error: unknown) {
        isOver = true; // after the first `next` the connection's own streams tell it
        reject(error);
      },
      complete() {
        isOver = true;
        reject(new AbortedError('the source of the connection completed without one'));
      },
    });
  });
}

/** An observer of what has no values. */
const unheard = (error: (reason: unknown) => void, complete: () => void): Partial<Observer<unknown>> => ({
  error,
  complete,
});
