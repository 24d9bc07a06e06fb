import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secure, secureEach } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { postgresTls, postgresTlsServer } from '@rxtls/starttls';
import { testPki } from '@rxtls/testing';
import { connect, listen } from '@rxtls/transport-tcp';
import { ignoreElements, merge, switchMap } from 'rxjs';
import t, { type Test } from 'tap';
import { readArguments } from '../../examples/06-postgres/arguments.ts';
import { postgresPrograms } from '../../examples/06-postgres/postgres-programs.ts';
import type { PostgresServer } from '../../examples/06-postgres/postgres-server.ts';
import { poolOver, postgresMissing, postgresServer as started } from '../interop/postgres.ts';
import { type Outcome, runExample } from './run-example.ts';

t.setTimeout(120_000);

const skip = postgresMissing === undefined ? {} : { skip: postgresMissing };
const pki = await testPki();
const credentials = await pki.leaf('ecdsa');
const folder = mkdtempSync(join(tmpdir(), 'rxtls-example-'));
chmodSync(folder, 0o755); // PostgreSQL runs as somebody else where this is root
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const pem = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const ca = pem('ca.pem', pki.authorityPem);
const other = pem('other.pem', pki.otherAuthorityPem);

const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> =>
  runExample('06-postgres', args, undefined, { env });

const to = ({ user }: PostgresServer, port: number, ...more: readonly string[]): string[] =>
  ['--connect', `127.0.0.1:${port}`, '--server-name', 'localhost', '--ca', ca, '--user', user].concat(more);

/** One line that says what is wrong, and no trace of a stack. */
function failed(t: Test, { code, stdout, stderr }: Outcome, message: RegExp): void {
  t.equal(code, 1, stderr);
  t.match(stderr, message);
  t.match(stderr, /^error: [^\n]+\n$/);
  t.notMatch(stdout + stderr, /^\s+at |node:internal|file:\/\//m);
}

t.test(
  'the demonstration: both sides say the same of their connection, and nothing is left behind',
  skip,
  async (t) => {
    const temporary = join(folder, 'temporary');
    mkdirSync(temporary, { mode: 0o755 });
    const outcome = await run([], { TMPDIR: temporary });
    t.equal(outcome.code, 0, outcome.stderr);
    t.equal(outcome.stderr, '');
    const [, ours, , theirs, ...more] = outcome.stdout.split('\n');
    const [, version, cipher] = /^ {2}version=(\S+) cipher=(\S+) certificate of localhost: passed$/.exec(ours!) ?? [];
    t.equal(version, 'TLSv1.3');
    t.equal(theirs, `  version=${version} cipher=${cipher} bits=256`);
    t.same(
      more.filter((line) => line.startsWith('  ')),
      ['  sum=42', '  n=1 stars=*', '  n=2 stars=**', '  n=3 stars=***'],
    );
    t.same(readdirSync(temporary), [], 'no folder of a server');
  },
);

t.test('where PostgreSQL is not installed, that is said', async (t) => {
  t.throws(() => postgresPrograms(folder, folder), {
    message: /^PostgreSQL is not installed: [^\n]*--connect [^\n]*$/,
  });
  if (postgresMissing !== undefined) failed(t, await run([]), /^error: PostgreSQL is not installed/);
});

t.test('another server: its rows, its error, its refusals', skip, async (t) => {
  const server = await started(t, { credentials });
  const env = { PGPASSWORD: server.password };
  const answered = await run(to(server, server.port, '--query', 'SELECT 6 * 7 AS answer'), env);
  t.equal(answered.code, 0, answered.stderr);
  t.match(answered.stdout, /\nSELECT 6 \* 7 AS answer\n {2}answer=42\n$/);

  failed(t, await run(to(server, server.port, '--query', 'SELECT nope'), env), /column "nope" does not exist/);
  const two = await run(to(server, server.port, '--query', 'SELECT 1; SELECT 2'), env);
  failed(t, two, /cannot insert multiple commands/);

  const wrong = await run(to(server, server.port), { PGPASSWORD: 'not the password' });
  failed(t, wrong, /password authentication failed for user "postgres"/);
  t.notMatch(wrong.stderr, /not the password/);

  failed(t, await run(to(server, server.port, '--ca', other), env), /unable to get issuer cert/);
  failed(t, await run(to(server, server.port, '--server-name', 'other.test'), env), /other\.test/);
});

t.test('a server that does no TLS is refused, and hears nothing but SSLRequest', skip, async (t) => {
  const server = await started(t);
  const heard: Buffer[] = [];
  const relay = createServer((socket) => {
    const on = connectTcp(server.port, server.host);
    socket.on('data', (bytes: Buffer) => heard.push(bytes));
    for (const each of [socket, on]) each.on('error', () => undefined);
    socket.pipe(on).pipe(socket);
  });
  relay.listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.teardown(() => relay.close());
  const outcome = await run(to(server, (relay.address() as AddressInfo).port), { PGPASSWORD: server.password });
  failed(t, outcome, /the server does not do TLS/);
  t.equal(outcome.stdout, '');
  t.equal(Buffer.concat(heard).toString('hex'), '0000000804d2162f');
});

t.test('channel binding: somebody between us, with a certificate that we trust, gets no login', skip, async (t) => {
  const server = await started(t, { credentials });
  const { certificatePem: cert, keyPem: key } = await pki.leaf('rsa'); // for localhost too
  const behind = connect({ host: server.host, port: server.port }).pipe(
    postgresTls(),
    secure(nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem })),
  );
  const failures: unknown[] = [];
  const port = await new Promise<number>((resolve) => {
    const between = listen({ port: 0, host: '127.0.0.1', listening: (address) => resolve(address.port) })
      .pipe(
        secureEach(
          nodeEngine.server({ credentials: { cert, key } }),
          (front) =>
            behind.pipe(
              switchMap((back) => merge(back.writeFrom(front.source), front.writeFrom(back.source))),
              ignoreElements(),
            ),
          { upgrade: postgresTlsServer(), failed: ({ error }) => failures.push(error) },
        ),
      )
      .subscribe();
    t.teardown(() => between.unsubscribe());
  });
  const engine = nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem });
  const unbound = poolOver(t, { ...server, port }, engine, { enableChannelBinding: false });
  t.equal((await unbound.query('SELECT 1')).rowCount, 1, 'a login that is not bound goes through');
  await unbound.end();
  const outcome = await run(to(server, port), { PGPASSWORD: server.password });
  failed(t, outcome, /SCRAM channel binding check failed/);
  t.match(outcome.stdout, /certificate of localhost: passed/, 'TLS alone has not noticed');
});

for (const [mode, message] of [
  ['fast', /terminating connection due to administrator command/],
  ['immediate', /terminating connection due to immediate shutdown command|closing connection|unexpectedly|ended/i],
] as const)
  t.test(`a server that stops (${mode}) during a query`, skip, async (t) => {
    const server = await started(t, { credentials });
    const pool = poolOver(t, server, nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem }));
    const env = { PGPASSWORD: server.password };
    const running = run(to(server, server.port, '--query', 'SELECT pg_sleep(30)'), env);
    const asked = "SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(30)'";
    for (let tries = 0; tries < 300 && (await pool.query(asked)).rowCount === 0; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await pool.end();
    await server.stop(mode);
    const outcome = await running;
    failed(t, outcome, message);
    t.match(outcome.stdout, /SELECT pg_sleep\(30\)\n$/, 'it was being asked');
    t.ok(outcome.milliseconds < 20_000, `${outcome.milliseconds} ms`);
  });

t.test('told to end, it takes its server with it', skip, async (t) => {
  const temporary = join(folder, 'told');
  mkdirSync(temporary, { mode: 0o755 });
  const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
  const main = join(import.meta.dirname, '../../examples/06-postgres/main.ts');
  const child = spawn(process.execPath, [...loader, main, '--query', 'SELECT pg_sleep(30)'], {
    env: { PATH: process.env['PATH'], TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  let printed = '';
  child.stdout.on('data', (bytes: Buffer) => {
    printed += bytes.toString();
    if (/SELECT/.test(printed)) child.kill('SIGTERM');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  t.match(printed, /SELECT pg_sleep/);
  t.equal(code, 1);
  t.same(readdirSync(temporary), []);
});

t.test('where nobody listens', async (t) => {
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  await once(gone, 'close');
  failed(t, await run(['--connect', `127.0.0.1:${port}`, '--user', 'x']), /connection refused/);
});

t.test('wrong arguments: 2, and one line', async (t) => {
  for (const [args, message] of [
    [['stray'], /^error: Unexpected argument 'stray'/],
    [
      ['--connect', 'a:1', '--user', 'x', '--ca', join(folder, 'absent.pem')],
      /^error: --ca "[^"]*": it cannot be read/,
    ],
  ] as const) {
    const { code, stdout, stderr } = await run(args);
    t.equal(code, 2);
    t.equal(stdout, '');
    t.match(stderr, message);
    t.match(stderr, /^[^\n]+\n$/);
  }
});

t.test('arguments, read in this process', async (t) => {
  for (const [args, message] of [
    [['--user', 'x'], /^--user needs --connect/],
    [['--connect', 'a:1'], /^--connect needs --user/],
    [['--connect', 'a', '--user', 'x'], /HOST:PORT is wanted/],
    [['--connect', 'a:0', '--user', 'x'], /HOST:PORT is wanted/],
    [['--connect', 'a:65536', '--user', 'x'], /HOST:PORT is wanted/],
    [['--connect', '::1:5432', '--user', 'x'], /HOST:PORT is wanted/],
    [['--query', ''], /^--query has no SQL/],
    [['--conect'], /^Unknown option '--conect'/],
  ] as const)
    t.throws(() => readArguments(args), { name: 'UsageError', message }, args.join(' '));
  t.same(readArguments(['--connect', '[::1]:5432', '--user', 'x', '--query', 'SELECT 1']), {
    help: false,
    query: 'SELECT 1',
    elsewhere: { host: '::1', port: 5432, serverName: '::1', user: 'x', database: 'x', ca: undefined },
  });
});

t.test('--help', async (t) => {
  t.match(await run(['--help']), { code: 0, stdout: /--connect HOST:PORT/, stderr: '' });
});
