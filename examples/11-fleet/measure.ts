import { testPki } from '@rxtls/testing';
import { firstValueFrom, merge, timeout } from 'rxjs';
import type { Arguments } from './arguments.ts';
import { size, startFleet } from './fleet.ts';
import { mustAnswer } from './redis.ts';
import { redisServer } from './redis-server.ts';
import { all, begun, ended, throughThePort, type Visitor, workers } from './rounds.ts';
import { keep } from './shared-keys.ts';
import { rate, table } from './table.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { visit } from './visit.ts';

const say = (...lines: readonly string[]): boolean => process.stdout.write(`${lines.join('\n')}\n`);

/** Starts the fleet and visits it: under one key, under the next, when the first was dropped, and when Redis is gone. */
export async function measure({ engine, every, redis: url }: Arguments): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1)); // and all goes with us
  const folder = temporaryFolder();
  const own = url === undefined ? await redisServer(folder) : undefined;
  const redis = own === undefined ? { url: `${url}` } : { path: own.path };
  await mustAnswer(redis);
  const pki = await testPki();
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  const paths = workers.map((worker) => `${folder}/worker-${worker}.sock`);
  const fleet = await startFleet({ credentials: { cert, key }, redis, every, engine, paths });
  const visitor: Visitor = (sessions, worker) => {
    const path = worker === undefined ? undefined : paths[worker - 1];
    const where = path === undefined ? { host: '127.0.0.1', port: fleet.port } : { path };
    return firstValueFrom(merge(fleet.lost, visit(where, pki.authorityPem, sessions)).pipe(timeout(10_000)));
  };
  await fleet.reaches(1);
  say(`${size} workers; ticket keys in Redis, a new one every ${every / 1_000} s`);

  const first = fleet.slot;
  const old = await begun(visitor, all);
  const older = await begun(
    visitor,
    workers.map((from) => [from, (from % size) + 1] as const),
  );
  const before = await ended(visitor, await begun(visitor, all));
  say('', `under one key: ${rate(before)}`, ...table(before));

  const last = fleet.slot;
  await fleet.reaches(last + 1);
  const after = await ended(visitor, old);
  if (fleet.slot > first + keep) throw new Error('the keys changed too fast for this machine: give a longer --every');
  say('', `after a rotation: ${rate(after)}`, ...table(after));

  await fleet.reaches(last + keep + 1);
  say('', `when the key was dropped: ${rate(await ended(visitor, older))}`);
  const port = await throughThePort(visitor, 8);
  say(`through the port of all, 8 clients twice: ${rate(port)}`);

  if (own !== undefined) {
    const journeys = await begun(visitor, all);
    await own.kill();
    await fleet.alone();
    const without = await ended(visitor, journeys);
    say('', `Redis is killed, the last keys stay: ${rate(without)}`, ...table(without));
  }
  fleet.stop();
}
