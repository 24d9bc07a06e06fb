// Four processes behind one port share their ticket keys through Redis: a client resumes its session at any of them.
import cluster from 'node:cluster';
import { once } from 'node:events';
import { liveEngine, secureEach } from '@rxtls/core';
import { listen } from '@rxtls/transport-tcp';
import {
  catchError,
  defer,
  distinctUntilKeyChanged,
  EMPTY,
  exhaustMap,
  merge,
  type Observable,
  tap,
  timer,
} from 'rxjs';
import { helpText, readArguments } from './arguments.ts';
import { engines } from './engines.ts';
import type { Report, Setup } from './fleet.ts';
import { measure } from './measure.ts';
import { type Redis, redisClient } from './redis.ts';
import { type SharedKeys, sharedKeys } from './shared-keys.ts';
import { UsageError } from './usage-error.ts';

type Tell = (report: Report) => void;

/** Ticket keys as they stand in Redis. While it is away nothing comes, and whoever has keys goes on with them. */
function keysFrom(redis: Redis, every: number, tell: Tell): Observable<SharedKeys> {
  const now = defer(() => sharedKeys(redis, every)).pipe(
    catchError(() => {
      tell({ away: true });
      return EMPTY;
    }),
  );
  return timer(0, every / 10).pipe(
    exhaustMap(() => now),
    distinctUntilKeyChanged('id'),
    tap(({ slot }) => tell({ slot })),
  );
}

/** The example itself: the server of one worker. */
function server({ credentials, every, engine, paths }: Setup, redis: Redis, tell: Tell): Observable<unknown> {
  const live = liveEngine(keysFrom(redis, every, tell), ({ ticketKeys }) =>
    engines[engine]({ credentials, ticketKeys }),
  );
  const id = cluster.worker?.id ?? 0;
  const answer = Buffer.from(`${id}`);
  return merge(listen({ host: '127.0.0.1', port: 0 }), listen({ path: paths[id - 1] ?? '' })).pipe(
    secureEach(live, (connection) => connection.exchange([answer])),
  );
}

async function work(): Promise<void> {
  const told = once(process, 'message');
  process.send?.({ up: true } satisfies Report);
  const [setup] = (await told) as [Setup];
  const redis = redisClient(setup.redis);
  await redis.connect();
  server(setup, redis, (report) => process.send?.(report)).subscribe();
}

try {
  const read = readArguments(process.argv.slice(2));
  if (cluster.isWorker) await work();
  else if (read.help) process.stdout.write(helpText);
  else {
    await measure(read);
    process.exit(0);
  }
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
