// What is measured of servers: who never got in, who failed, who was drained, and which credentials they serve.
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { byHello, drain, liveEngine, PeerMisbehavedError, WriteLostError } from '@rxtls/core';
import { type CredentialsError, watchFiles } from '@rxtls/credentials';
import { connectionMetrics } from '@rxtls/opentelemetry';
import { firstValueFrom, NEVER, Subject, throwError } from 'rxjs';
import t from 'tap';
import { until } from '../rules-node/bench.ts';
import { kits, leafOf, type Pair } from '../servers/kits.ts';
import { echoes, served, shownLeaf } from '../servers/served.ts';
import { type Collected, recorded } from './recorded.ts';

t.setTimeout(120_000);

const active = (collected: Collected): readonly number[] => [
  collected.sum('rxtls.server.handshake.active'),
  collected.sum('rxtls.server.connection.active'),
];

t.test('metrics: who is never admitted is counted while it waits, and when it has gone', async (t) => {
  const record = recorded(t);
  const { observe, failed } = connectionMetrics(record.meter);
  const kit = kits[1]!;
  const chosen = new Subject<never>();
  const server = served(
    t,
    byHello(() => chosen),
    {
      observe,
      maxConcurrentHandshakes: 1,
      limits: { maxWaitingHandshakes: 2 },
      failed,
    },
  );
  const arrivals = [0, 1, 2, 3].map(() => server.arrive(kit.client()));
  await until(() => server.failures.length === 1, 'the one too many');
  const waiting = await record.collect();
  t.same(active(waiting), [3, 0], 'one in its handshake, two that wait');
  t.same(waiting.series('rxtls.server.limit.warnings'), [[{ 'rxtls.limit': 'maxWaitingHandshakes' }, 1]]);
  t.equal(waiting.sum('rxtls.server.admission.duration'), 1);
  chosen.complete();
  for (const { client } of arrivals) client.subscription.unsubscribe();
  await until(() => server.failures.length === 4, 'the end of all');
  const collected = await record.collect();
  t.same(active(collected), [0, 0]);
  const turnedAway = { 'error.type': 'LimitExceededError', 'rxtls.reason': 'maxWaitingHandshakes' };
  t.equal(collected.sum('rxtls.server.handshake.duration', { 'tls.established': false, ...turnedAway }), 1);
  t.equal(collected.sum('rxtls.server.connection.failures', turnedAway), 1);
  t.equal(collected.sum('rxtls.server.connection.failures'), 4);
  t.ok(collected.sum('rxtls.server.task.duration', { 'rxtls.task': 'byHello', 'rxtls.outcome': 'failed' }) >= 1);
});

t.test('metrics: failures by their type, with words from short lists and none of a message', async (t) => {
  const record = recorded(t);
  const { failed } = connectionMetrics(record.meter);
  const info = { remote: '192.0.2.1:4711' };
  class Own extends Error {
    override readonly name = 'chosen by somebody';
  }
  for (const error of [
    new PeerMisbehavedError('a message that is never the same', { alert: 'decode_error', phase: 'handshake' }),
    new WriteLostError('another', { phase: 'open' }),
    new Own('no error of ours'),
    'no error at all',
    undefined,
  ])
    failed.next({ error, info });
  t.same((await record.collect()).series('rxtls.server.connection.failures'), [
    [{ 'error.type': 'PeerMisbehavedError', 'rxtls.phase': 'handshake', 'rxtls.reason': 'decode_error' }, 1],
    [{ 'error.type': 'WriteLostError', 'rxtls.phase': 'open' }, 1],
    [{ 'error.type': '_OTHER' }, 3],
  ]);
});

t.test('metrics: where an observer beside them cannot be made, nothing stays active', async (t) => {
  const record = recorded(t);
  const { observe, failed } = connectionMetrics(record.meter);
  const kit = kits[1]!;
  const mine = (): never => {
    throw new Error('mine');
  };
  const engine = kit.server({ credentials: await kit.issue() });
  const server = served(t, engine, { observe: () => ({ acks: mine(), ...observe() }), failed });
  server.arrive(kit.client());
  await until(() => server.failures.length === 1, 'the failure');
  const collected = await record.collect();
  t.same(active(collected), [0, 0]);
  t.equal(collected.sum('rxtls.server.connection.failures', { 'error.type': 'EngineFailureError' }), 1);
});

t.test("metrics: what an application's own observable fails with is a failure too", async (t) => {
  const record = recorded(t);
  const { observe, failed } = connectionMetrics(record.meter);
  const kit = kits[1]!;
  const engine = kit.server({ credentials: await kit.issue() });
  const server = served(t, engine, { observe, failed }, () => throwError(() => new Error('the database')));
  await server.arrive(kit.client()).met();
  await until(() => server.failures.length === 1, 'the failure');
  const collected = await record.collect();
  t.same(collected.series('rxtls.server.connection.failures'), [[{ 'error.type': '_OTHER' }, 1]]);
  t.equal(collected.sum('rxtls.server.connection.duration', { 'error.type': 'AbortedError' }), 1);
  t.same(active(collected), [0, 0]);
});

t.test('metrics: connections that end in a drain, by their outcome, and what they lost', async (t) => {
  const record = recorded(t);
  const { observe, drained } = connectionMetrics(record.meter);
  const kit = kits[1]!;
  const stop = new Subject<void>();
  const server = served(
    t,
    kit.server({ credentials: await kit.issue() }),
    { observe, drain: drain(stop, { deadline: 300, quiet: 20, drained }) },
    (connection) => (connection.write(new Uint8Array(500_000)), NEVER),
  );
  const quick = await server.arrive(kit.client()).met();
  quick.read();
  const stalled = server.arrive(kit.client());
  await stalled.met();
  await until(() => quick.bytes.length === 500_000, 'what the first reads');
  stop.next();
  await until(() => quick.isOver && stalled.client.isOver, 'the end');
  const collected = await record.collect();
  t.same(collected.series('rxtls.server.drain.connections'), [
    [{ 'rxtls.outcome': 'closed' }, 1],
    [{ 'rxtls.outcome': 'cut' }, 1],
  ]);
  const [[attributes, lost] = [], ...more] = collected.series('rxtls.server.drain.loss');
  t.same([attributes, more], [{ 'rxtls.outcome': 'cut' }, []]);
  t.ok(lost! > 0 && lost! < 500_000, `${lost} bytes`);
  t.same(active(collected), [0, 0]);
});

for (const kit of kits)
  t.test(
    `K2 (${kit.name}): a bad rotation is a metric, and the generation that serves stays the last good one`,
    async (t) => {
      const record = recorded(t);
      const metrics = connectionMetrics(record.meter);
      const [good, other] = [await kit.issue(), await kit.issue()];
      const credentials = new Subject<Pair>();
      const engine = liveEngine(credentials, (pair) => kit.server({ credentials: pair }), {
        events: metrics.credentials,
      });
      const server = served(t, engine, { observe: metrics.observe });
      const serves = async (generation: number, rejections: number, pair: Pair): Promise<void> => {
        const side = await server.arrive(kit.client()).met();
        t.ok(await echoes(side, 'hello'));
        t.equal(shownLeaf(side), leafOf(pair));
        const collected = await record.collect();
        t.same(collected.series('rxtls.server.credential.generation'), [[{}, generation]]);
        t.equal(collected.sum('rxtls.server.credential.rejections'), rejections);
      };
      const early = server.arrive(kit.client());
      credentials.next(good);
      await early.met();
      await serves(1, 0, good);
      credentials.next({ cert: good.cert, key: other.key });
      await serves(1, 1, good);
      credentials.next({ cert: '', key: '' });
      await serves(1, 2, good);
      credentials.next(other);
      await serves(2, 2, other);
      t.same((await record.collect()).series('rxtls.server.credential.rejections'), [
        [{ 'error.type': 'ApiMisuseError', 'rxtls.phase': 'setup' }, 2],
      ]);
      credentials.error(new Error('the watcher died'));
      await serves(2, 3, other);
    },
  );

t.test(
  'K2: files that are refused before an engine sees them are a metric too, by what is wrong with them',
  async (t) => {
    const record = recorded(t);
    const { credentials } = connectionMetrics(record.meter);
    const kit = kits[1]!;
    const [good, other] = [await kit.issue(), await kit.issue()];
    const folder = t.testdir({});
    const paths = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    writeFileSync(paths.cert, good.cert);
    writeFileSync(paths.key, other.key);
    const files = watchFiles(paths, { settle: 10, patience: 50, firstTimeout: 200, events: credentials });
    const error = await firstValueFrom(files).catch((cause: CredentialsError) => cause);
    t.match(error, { name: 'CredentialsUnavailableError' });
    const collected = await record.collect();
    t.same(collected.series('rxtls.server.credential.rejections'), [
      [{ 'error.type': 'ApiMisuseError', 'rxtls.phase': 'setup', 'rxtls.reason': 'mismatch' }, 1],
    ]);
  },
);

t.test('when each of two watched certificates expires can be told before it has', async (t) => {
  const record = recorded(t);
  const expiry: [object, number][] = [];
  const folder = t.testdir({});
  for (const name of ['a.example', 'b.example']) {
    const { cert, key } = await kits[1]!.issue();
    const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
    writeFileSync(paths.cert, cert);
    writeFileSync(paths.key, key);
    const attributes = { 'rxtls.certificate': name };
    const { credentials } = connectionMetrics(record.meter, { attributes });
    await firstValueFrom(watchFiles(paths, { settle: 10, events: credentials }));
    expiry.push([attributes, Date.parse(new X509Certificate(cert).validTo) / 1_000]);
  }
  t.same((await record.collect()).series('rxtls.server.credential.not_after'), expiry);
});
