import type { TlsConnection } from '@rxtls/core';
import {
  combineLatest,
  connect as shared,
  debounceTime,
  endWith,
  filter,
  ignoreElements,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
  startWith,
  takeUntil,
  tap,
} from 'rxjs';

/** Which way bytes went. */
export type Moved = 'asked' | 'answered';

/**
 * Half-closes a connection once it was told to stop, nothing has moved for `quiet` milliseconds, and what moved last was an
 * answer: a backend that thinks for longer is waited for. Begins when there is a backend: what a client asked before has not moved.
 */
export const seenOff = (
  client: TlsConnection,
  stop: Observable<unknown>,
  quiet: number,
): MonoTypeOperatorFunction<Moved> =>
  shared((moved) => {
    const ended = moved.pipe(ignoreElements(), endWith(true));
    const leaving = combineLatest([moved.pipe(startWith('answered')), stop]).pipe(
      debounceTime(quiet),
      filter(([last]) => last === 'answered'),
      tap(() => client.sink.end()),
      ignoreElements(),
      takeUntil(ended),
    );
    return merge(leaving, moved);
  });
