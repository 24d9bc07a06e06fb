import type { ByteSink, ByteSource } from '@rxtls/core';
import { Observable } from 'rxjs';

/**
 * What `writeFrom` does for a connection, for a plain sink: takes from `source` no more than `sink` has room for, so that a reader
 * that stops stops the writer, and passes on the end. Emits how many bytes went on.
 */
export function passed(source: ByteSource, sink: ByteSink): Observable<number> {
  return new Observable((subscriber) => {
    const error = (cause: unknown): void => subscriber.error(cause);
    let credit = 0; // asked for and not here yet
    const next = (room: number): void => {
      if (room <= credit) return;
      const more = room - credit;
      credit = room;
      source.request(more);
    };
    subscriber.add(sink.demand.subscribe({ next, error }));
    subscriber.add(
      source.bytes.subscribe({
        next(bytes) {
          credit -= bytes.length;
          sink.write(bytes);
          subscriber.next(bytes.length);
        },
        error,
        complete() {
          sink.end();
          subscriber.complete();
        },
      }),
    );
  });
}
