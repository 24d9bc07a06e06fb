// A connection as Node's stream, under ioredis, which knows nothing of rxtls, with Debian's redis-server.
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { AbstractConnector, Redis, type RedisOptions } from 'ioredis';
import t, { type Test } from 'tap';
import { dial, type Engines, engines, pattern, sleep } from './ends.ts';
import { redis, redisMissing } from './redis.ts';

t.setTimeout(60_000);
const options = redisMissing === undefined ? {} : { skip: redisMissing };

/** ioredis, whose sockets are ours; what it tells of errors is kept. */
function client(
  t: Test,
  port: number,
  each: Engines,
  options: Pick<RedisOptions, 'retryStrategy' | 'maxRetriesPerRequest'> = {},
) {
  class RxtlsConnector extends AbstractConnector {
    constructor() {
      super(2_000);
    }
    connect() {
      this.connecting = true;
      this.stream = toNodeDuplex(dial(port, each)) as unknown as typeof this.stream;
      return Promise.resolve(this.stream);
    }
  }
  const errors: Error[] = [];
  const made = new Redis({ Connector: RxtlsConnector, retryStrategy: () => null, ...options });
  made.on('error', (error: Error) => errors.push(error));
  t.teardown(() => made.disconnect());
  return { redis: made, errors };
}

const event = (redis: Redis, name: 'close' | 'end'): Promise<void> =>
  new Promise((resolve) => redis.once(name, () => resolve()));

for (const [name, each] of Object.entries(engines)) {
  t.test(`${name}: 1 000 pipelined commands of ioredis, each with its own answer`, options, async (t) => {
    const server = await redis(t);
    const { redis: made, errors } = client(t, server.port, each);
    const pipeline = made.pipeline();
    const values = Array.from({ length: 500 }, (_, n) => pattern(n * 10, n));
    values.forEach((value, n) => pipeline.set(`key ${n}`, value));
    values.forEach((_, n) => pipeline.getBuffer(`key ${n}`));
    const answers = (await pipeline.exec()) ?? [];
    t.equal(answers.length, 1_000);
    t.same(new Set(answers.slice(0, 500).map(([error, answer]) => error ?? answer)), new Set(['OK']));
    const wrong = answers.slice(500).filter(([, answer], n) => !values[n]!.equals(answer as Buffer));
    t.same(wrong, [], 'what was read is what was written');
    const large = pattern(5_000_000);
    await made.set('large', large);
    t.ok(large.equals((await made.getBuffer('large'))!), '5 MB in one value');
    const ended = event(made, 'end');
    await made.quit();
    await ended;
    t.same(errors, []);
  });

  t.test(`${name}: a server that is killed: every command ends with ioredis’s own error`, options, async (t) => {
    const server = await redis(t);
    const { redis: made } = client(t, server.port, each);
    await made.ping();
    const asked = Array.from({ length: 1_000 }, (_, n) => made.set(`key ${n}`, pattern(10_000)));
    const ended = event(made, 'end');
    const settled = Promise.allSettled(asked);
    await server.kill();
    const outcomes = await settled;
    await ended;
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as Error] : []));
    t.ok(reasons.length > 0, `${reasons.length} of 1 000 were not answered`);
    t.same([...new Set(reasons.map(({ message }) => message))], ['Connection is closed.']);
    await t.rejects(made.ping(), { message: 'Connection is closed.' });
    const { redis: late, errors } = client(t, server.port, each);
    await event(late, 'end');
    t.match(errors[0], { name: 'AbortedError', message: /ECONNREFUSED/ });
  });

  t.test(`${name}: ioredis reconnects to a server that comes back`, options, async (t) => {
    let server = await redis(t);
    const { port } = server;
    let connections = 0;
    const { redis: made } = client(t, port, each, { retryStrategy: () => 50, maxRetriesPerRequest: null });
    made.on('ready', () => connections++);
    t.equal(await made.ping(), 'PONG');
    for (let kill = 0; kill < 3; kill++) {
      const closed = event(made, 'close');
      await server.kill();
      await closed;
      const waiting = made.set('key', `after ${kill}`);
      await sleep(120); // it is refused meanwhile
      server = await redis(t, port);
      t.equal(await waiting, 'OK');
      t.equal(await made.get('key'), `after ${kill}`);
    }
    t.equal(connections, 4);
    await made.quit();
  });
}
