import type { ByteDuplex } from '@rxtls/core';
import { map, type MonoTypeOperatorFunction, tap } from 'rxjs';

/** What goes through a transport, counted. */
export class Meter {
  /** Bytes rxtls took from the transport. */
  received = 0;
  /** Bytes rxtls gave to it, and the most of them that it had not passed on to the system at once. */
  given = 0;
  mostWaiting = 0;
  taken = 0;
}

/** Counts on the transport below TLS. */
export const metered = (meter: Meter): MonoTypeOperatorFunction<ByteDuplex> =>
  map(({ source, sink, info, ...below }) => {
    sink.taken.subscribe({
      next: (taken) => {
        meter.taken = taken;
      },
      error: () => undefined,
    });
    return {
      ...below,
      info,
      unread: () => {
        throw new Error('nothing is unread in these tests');
      },
      source: {
        bytes: source.bytes.pipe(
          tap((bytes) => {
            meter.received += bytes.length;
          }),
        ),
        request: (bytes) => source.request(bytes),
      },
      sink: {
        write: (bytes) => {
          meter.given += bytes.length;
          sink.write(bytes);
          meter.mostWaiting = Math.max(meter.mostWaiting, meter.given - meter.taken);
        },
        demand: sink.demand,
        taken: sink.taken,
        end: () => sink.end(),
        abort: (reason) => sink.abort(reason),
      },
    };
  });
