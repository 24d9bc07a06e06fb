import { fromEvent, map, merge, type Observable, share, ReplaySubject, take, tap } from 'rxjs';

/** Emits which of the two it was. A second one finds nobody waiting for it, and ends the process. */
export const stopSignal = (told: (signal: string) => void): Observable<string> =>
  merge(...['SIGTERM', 'SIGINT'].map((name) => fromEvent(process, name).pipe(map(() => name)))).pipe(
    take(1),
    tap(told),
    share({ connector: () => new ReplaySubject(1), resetOnComplete: false }),
  );
