import { Observable, takeWhile } from 'rxjs';
import { reporting } from './reporting.ts';

/**
 * The user's own observable among ours: what its teardown throws is reported. RxJS 7 lets it out where the subscription ends,
 * and an operator in whose middle that is (`concat`, `catchError`, `mergeMap`) never goes on to what comes next.
 */
export const apart = <T>(own: Observable<T>): Observable<T> =>
  new Observable((subscriber) => {
    // RxJS links subscribers below operators alone: one that emits without a pause has to hear that nobody wants more.
    const wanted = own.pipe(takeWhile(() => !subscriber.closed));
    const subscription = wanted.subscribe({
      next: (value) => subscriber.next(value),
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    return () => reporting(() => subscription.unsubscribe());
  });
