import {
  concat,
  concatMap,
  ignoreElements,
  map,
  type Observable,
  type OperatorFunction,
  switchMap,
  take,
  timer,
} from 'rxjs';
import type { MqttSession } from './mqtt-session.ts';

/**
 * Publishes one after another with QoS 1, `every` milliseconds between them, and emits each when the broker has taken it. One that was not
 * acknowledged when its session was lost goes again in the next, under its number: it comes at least once, and no other is sent before.
 */
export function publishEach(
  sessions: Observable<MqttSession>,
  topic: string,
  every: number,
): OperatorFunction<string, string> {
  return concatMap((payload, index) => {
    const taken = sessions.pipe(
      switchMap((session, attempt) =>
        session.publish({ topic, payload, messageId: 1 + (index % 65_534), isAgain: attempt > 0 }),
      ),
      take(1),
      map(() => payload),
    );
    return concat(taken, timer(every).pipe(ignoreElements()));
  });
}
