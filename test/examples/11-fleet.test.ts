import t, { type Test } from 'tap';
import { readArguments } from '../../examples/11-fleet/arguments.ts';
import { sharedKeys } from '../../examples/11-fleet/shared-keys.ts';
import { redisClient } from '../../examples/11-fleet/redis.ts';
import { freePort, isInstalled, Program } from '../interop/program.ts';
import { type Outcome, runExample } from './run-example.ts';

t.setTimeout(180_000);

const skip = isInstalled('redis-server') ? {} : { skip: 'skipped: redis-server is not installed' };
const run = (...args: readonly string[]): Promise<Outcome> => runExample('11-fleet', args);

const by = ' {15}by 1 {5}by 2 {5}by 3 {5}by 4\n';
const full = [1, 2, 3, 4].map((worker) => `  ticket of ${worker}(?:  resumed){4}\n`).join('');
const all = (title: string): string => `\n${title}: resumed 16 of 16 \\(100 %\\)\n${by}${full}`;
const table = (every: number, isKilled: boolean): RegExp =>
  new RegExp(
    `^4 workers; ticket keys in Redis, a new one every ${every} s\n${all('under one key')}${all('after a rotation')}` +
      '\nwhen the key was dropped: resumed 0 of 4 \\(0 %\\)\nthrough the port of all, 8 clients twice: resumed 8 of 8 \\(100 %\\)\n' +
      `${isKilled ? all('Redis is killed, the last keys stay') : ''}$`,
  );

/** A Redis that the test has, at a port on loopback; it prints each connection it accepts. */
async function ownRedis(t: Test): Promise<{ readonly program: Program; readonly url: string }> {
  const port = await freePort();
  const program = new Program(t, 'redis-server', [
    ['--bind', '127.0.0.1', '--port', `${port}`, '--loglevel', 'verbose'],
    ['--save', '', '--appendonly', 'no', '--maxmemory', '16mb'],
  ]);
  await program.says(/ready to accept connections/i);
  return { program, url: `redis://127.0.0.1:${port}` };
}

for (const engine of ['node', 'tls13'])
  t.test(
    `S4 (${engine}): four processes share keys: each resumes what each has sealed, across a rotation and without Redis`,
    skip,
    async (t) => {
      const outcome = await run('--engine', engine, '--every', '3');
      t.equal(outcome.stderr, '');
      t.match(outcome.stdout, table(3, true));
      t.equal(outcome.code, 0);
    },
  );

t.test('a Redis that runs already is used, and left as it is', skip, async (t) => {
  const { program, url } = await ownRedis(t);
  const outcome = await run('--redis', url, '--every', '2');
  t.match(outcome, { code: 0, stdout: table(2, false), stderr: '' });
  program.kill();
});

t.test('Redis that goes away before the rotation: the program says so, and ends', skip, async (t) => {
  const { program, url } = await ownRedis(t);
  const running = run('--redis', url, '--every', '1');
  // The probe and the four workers; these have keys as soon as they have a connection.
  await program.says(/(?:Accepted[^]*){5}/);
  await new Promise((resolve) => setTimeout(resolve, 300));
  program.kill();
  t.match(await running, { code: 1, stderr: /^error: the workers get no new keys: is Redis there\?\n$/ });
});

t.test('of all who offer a key for a slot one wins, and Redis forgets it in time', skip, async (t) => {
  const { url } = await ownRedis(t);
  const every = 60_000;
  const clients = Array.from({ length: 5 }, () => redisClient({ url }));
  await Promise.all(clients.map((client) => client.connect()));
  t.teardown(() => clients.forEach((client) => client.destroy()));
  const all = await Promise.all(clients.map((client) => sharedKeys(client, every)));
  const slots = new Set(all.map(({ slot }) => slot));
  // Where the slot changed in between there are two.
  t.equal(new Set(all.map(({ id }) => id)).size, slots.size);
  for (const { ticketKeys } of all) t.equal(ticketKeys.current.length, 48);
  const names = await clients[0]!.keys('*');
  t.ok(names.length >= 2 && names.length <= 3, `${names}`);
  for (const name of names) {
    const left = await clients[0]!.pTTL(name);
    t.ok(left > every && left <= 4 * every, `${name} goes in ${left} ms`);
  }
  await clients[0]!.flushAll();
  t.not((await sharedKeys(clients[0]!, every)).id, all[0]?.id, 'a Redis without memory gets new ones');
});

t.test('no Redis: one line that says what to do, and nothing of a password', async (t) => {
  const port = await freePort();
  t.match(await run('--redis', `redis://user:secret@127.0.0.1:${port}`), {
    code: 1,
    stdout: '',
    stderr: new RegExp(`^error: no Redis answers at 127\\.0\\.0\\.1:${port}: ECONNREFUSED\\n$`),
  });
  t.match(await runExample('11-fleet', [], undefined, { env: { PATH: '/nowhere' } }), {
    code: 1,
    stdout: '',
    stderr: 'error: redis-server cannot be started: install it, or give --redis URL\n',
  });
});

t.test('wrong arguments: 2, and one line', async (t) => {
  for (const [args, stderr] of [
    [['--engine', 'forge'], /^error: --engine "forge": it is node or tls13\n$/],
    [['--every', '0'], /^error: --every "0": it is a whole number of seconds from 1 to 60\n$/],
    [['--redis', 'localhost'], /^error: --redis: it is an address such as redis:[^\n]*\n$/],
    [['stray'], /^error: Unexpected argument 'stray'[^\n]*\n$/],
  ] as const)
    t.match(await run(...args), { code: 2, stdout: '', stderr });
  for (const every of ['61', '1.5', '-1', 'x', ''])
    t.throws(() => readArguments([`--every=${every}`]), { name: 'UsageError' });
  t.throws(() => readArguments(['--redis', 'http://127.0.0.1']), { name: 'UsageError' });
  t.same(readArguments([]), { help: false, engine: 'node', every: 2_000, redis: undefined });
});

t.test('--help', async (t) => {
  t.match(await run('--help'), { code: 0, stdout: /--redis URL/, stderr: '' });
});
