import { fromEvent, map, merge, type Observable, shareReplay, take, tap } from 'rxjs';

/** Emits why, once and again for whoever comes later. A second signal finds nobody waiting for it, and ends the process. */
export const stopSignal = (other: Observable<string>, told: (why: string) => void): Observable<string> =>
  merge(other, ...['SIGTERM', 'SIGINT'].map((name) => fromEvent(process, name).pipe(map(() => name)))).pipe(
    take(1),
    tap(told),
    shareReplay(1),
  );
