import { concat, defer, exhaustMap, filter, ignoreElements, type Observable, timer } from 'rxjs';
import type { Broker } from './broker.ts';
import { Log } from './log.ts';

/**
 * Kills the broker when so many readings have come, and starts it again after a while, each time a longer one. The next kill waits for a
 * reading after that: many come at once when the reader is the last to be back.
 */
export function killAt(points: readonly number[], broker: Broker, readings: Observable<number>): Observable<never> {
  const { line } = new Log('broker');
  const killed = defer(() => {
    broker.kill();
    line('killed');
    return [];
  });
  const started = defer(async () => {
    await broker.start();
    line('started again');
  });
  return defer(() => {
    let kills = 0;
    return readings.pipe(
      filter((count) => count >= (points[kills] ?? Number.POSITIVE_INFINITY)),
      exhaustMap(() => concat(killed, timer(200 * ++kills), started)),
      ignoreElements(),
    );
  });
}
