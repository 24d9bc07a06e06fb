// MQTT over TLS that outlives its broker: the reconnecting is one operator of RxJS, and whoever reads does not notice it.
import { randomUUID } from 'node:crypto';
import { secure } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { ignoreElements, lastValueFrom, map, merge, type Observable, range, retry, share, shareReplay } from 'rxjs';
import { Subject, switchMap, take, takeWhile, tap, throwError, timeout } from 'rxjs';
import { type Arguments, helpText, readArguments } from './arguments.ts';
import { backoff } from './backoff.ts';
import { failure } from './failure.ts';
import { killAt } from './kill-at.ts';
import { Log } from './log.ts';
import { BrokerGoneError } from './mqtt-errors.ts';
import { mqttSession } from './mqtt-session.ts';
import { publishEach } from './publish-each.ts';
import { type Target, targetOf } from './target.ts';
import { UsageError } from './usage-error.ts';

const topic = `rxtls/${randomUUID()}`;

/** The example itself: one client's sessions, one after another, for as long as somebody wants them. */
function sessions(name: string, { host, port, engine }: Target, { login, attempts }: Arguments) {
  const { connected, waiting } = new Log(name);
  return connect({ host, port, connectTimeout: 5_000 }).pipe(
    secure(engine),
    mqttSession({ clientId: `${name}-${randomUUID().slice(0, 8)}`, login, keepalive: 5 }),
    tap(connected),
    retry({ delay: backoff({ first: 50, most: 1_000, attempts, waiting }), resetOnSuccess: true }),
    shareReplay({ bufferSize: 1, refCount: true }),
  );
}

/** What one client publishes, another reads: how many different readings have come. */
function readings(target: Target, options: Arguments): Observable<number> {
  const { line } = new Log('reader');
  const subscribed = new Subject<void>();
  const messages = sessions('reader', target, options).pipe(
    switchMap((session) => session.subscribe(topic, () => subscribed.next())), // anew in each session
    map(({ payload }) => String(payload)),
  );
  const sensor = sessions('sensor', target, options);
  const published = subscribed.pipe(
    take(1),
    switchMap(() => range(1, options.count)),
    map(String),
    publishEach(sensor, topic, options.every),
  );
  const seen = new Set<string>();
  const count = (reading: string): number => {
    line(`reading ${reading}${seen.has(reading) ? ' again' : ''}`);
    return seen.add(reading).size;
  };
  return merge(messages.pipe(map(count)), merge(published, sensor).pipe(ignoreElements()));
}

async function run(options: Arguments): Promise<void> {
  const { count, kills, timeout: each } = options;
  const target = await targetOf(options);
  const points = Array.from({ length: kills }, (_, index) => Math.floor((count * (index + 1)) / (kills + 1)));
  const read = readings(target, options).pipe(
    timeout({ each, with: () => throwError(() => new BrokerGoneError(`no reading came for ${each} ms`)) }),
    takeWhile((seen) => seen < count, true),
    share(),
  );
  try {
    await lastValueFrom(merge(target.own === undefined ? [] : killAt(points, target.own, read), read));
    new Log('done').line(`${count} of ${count} readings`);
  } finally {
    target.own?.kill();
  }
}

try {
  const options = readArguments(process.argv.slice(2), process.env);
  if (options.help) process.stdout.write(helpText);
  else await run(options);
} catch (error) {
  process.stderr.write(`error: ${failure(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
