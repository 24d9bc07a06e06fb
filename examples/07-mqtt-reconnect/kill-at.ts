import { concat, concatMap, defer, distinctUntilChanged, filter, ignoreElements, type Observable, timer } from 'rxjs';
import type { Broker } from './broker.ts';
import { Log } from './log.ts';

/** Kills the broker when so many readings have come, and starts it again after a while, each time a longer one. */
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
  return readings.pipe(
    distinctUntilChanged(), // a reading that comes again does not count
    filter((count) => points.includes(count)),
    concatMap((_, index) => concat(killed, timer(200 * (index + 1)), started)),
    ignoreElements(),
  );
}
