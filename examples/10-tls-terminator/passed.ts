import type { ByteDuplex } from '@rxtls/core';
import { Observable } from 'rxjs';

/**
 * Passes on what comes from one side, and its end; asks it for no more than the other side has room for, so that a reader that stops
 * stops the writer. Emits how many bytes went on; completes when the other side has taken all of it and the end, or wants no more.
 */
export function passed(from: ByteDuplex, to: ByteDuplex): Observable<number> {
  return new Observable((subscriber) => {
    const error = (cause: unknown): void => subscriber.error(cause);
    let credit = 0; // asked for and not here yet
    subscriber.add(
      to.sink.demand.subscribe({
        next(room) {
          if (room <= credit) return;
          const more = room - credit;
          credit = room;
          from.source.request(more);
        },
        error,
        complete: () => subscriber.complete(),
      }),
    );
    subscriber.add(
      from.source.bytes.subscribe({
        next(bytes) {
          credit -= bytes.length;
          to.sink.write(bytes);
          subscriber.next(bytes.length);
        },
        error,
        complete: () => to.sink.end(),
      }),
    );
  });
}
