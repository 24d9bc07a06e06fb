import type { ByteDuplex } from '@rxtls/core';
import { Observable } from 'rxjs';

/**
 * Passes on what comes from one side, and asks it for no more than the other side takes: a reader that stops, stops the writer.
 * Emits each chunk before it goes on, in which the subscriber may still change something.
 */
export function passed(from: ByteDuplex, to: ByteDuplex): Observable<Uint8Array> {
  return new Observable((subscriber) => {
    const error = (cause: unknown): void => subscriber.error(cause);
    let credit = 0; // asked for and not here yet
    subscriber.add(
      to.sink.demand.subscribe({
        next(room) {
          const more = room - credit;
          if (more <= 0) return;
          credit = room;
          from.source.request(more);
        },
        error,
      }),
    );
    subscriber.add(
      from.source.bytes.subscribe({
        next(bytes) {
          credit -= bytes.length;
          subscriber.next(bytes);
          to.sink.write(bytes);
        },
        error,
        complete() {
          to.sink.end();
          subscriber.complete();
        },
      }),
    );
  });
}
