import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { testPki } from '@rxtls/testing';
import t, { type Test } from 'tap';
import { readArguments } from '../../examples/04-https-server/arguments.ts';
import { credentialsOf } from '../../examples/04-https-server/credentials.ts';
import { isInstalled, Program } from '../interop/program.ts';
import { runExample } from './run-example.ts';

t.setTimeout(180_000);
t.jobs = 2;

const main = join(import.meta.dirname, '../../examples/04-https-server/main.ts');
const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
const folder = t.testdir({ 'not.pem': 'nothing of the kind\n' });
const run = (...args: readonly string[]) => runExample('04-https-server', args);
const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const host = '127.0.0.1';
let servers = 0;

/** The example in a process of its own, listening; what its clients have to trust. */
async function serving(t: Test, ...args: readonly string[]) {
  const authority = join(folder, `authority-${servers++}.pem`);
  const program = new Program(t, process.execPath, [loader, main, '--port', '0', '--authority', authority, args]);
  const port = Number((await program.says(/listening on https:\/\/localhost:(\d+)\//))[1]);
  return { program, port, authority, ca: readFileSync(authority, 'utf8') };
}

type Serving = Awaited<ReturnType<typeof serving>>;

const trust = ({ port, ca }: Serving): RequestOptions => ({ host, port, servername: 'localhost', ca });

/** The status and the whole body; `agent: false` is a connection of its own. */
async function ask(options: RequestOptions, body?: Uint8Array): Promise<{ status: number | undefined; body: Buffer }> {
  const asked = request({ agent: false, ...options });
  asked.end(body);
  const [answer] = await once(asked, 'response');
  return { status: answer.statusCode, body: await buffer(answer) };
}

const secured = async (server: Serving): Promise<TLSSocket> => {
  const socket = connectTls({
    host,
    port: server.port,
    servername: 'localhost',
    ca: server.ca,
    ALPNProtocols: ['http/1.1'],
  });
  socket.on('error', () => undefined); // told by how it ends
  await once(socket, 'secureConnect');
  return socket;
};

/** Told to stop, it ends by itself and well. */
async function stopped(t: Test, { program }: Serving, signal: NodeJS.Signals = 'SIGTERM'): Promise<string> {
  program.signal(signal);
  t.equal(await program.exited, 0, program.text);
  t.match(program.text, new RegExp(`^${signal}: stopping$`, 'm'));
  return program.text;
}

for (const engine of ['node', 'tls13']) {
  t.test(`${engine}: it asks itself, by https and by fetch, and stops`, async (t) => {
    const { code, stdout, stderr } = await run('--engine', engine);
    t.equal(code, 0, stderr);
    t.equal(stderr, '');
    t.match(
      stdout,
      new RegExp(
        [
          String.raw`^listening on https:\/\/localhost:\d+\/`,
          String.raw`https GET \/: 200, 17 bytes, a new connection`,
          String.raw`https GET \/nowhere: 404, 22 bytes, the same connection`,
          String.raw`https GET \/slowly: 200, 21 bytes, the same connection`,
          String.raw`fetch POST \/echo: 200, 1048576 bytes, equal`,
          'tested: stopping',
          'stopped: 2 connections served\n$',
        ].join('\n'),
      ),
    );
  });

  t.test(
    `${engine}: 100 requests at once, over a connection each and over ten that are kept; and clients that drop`,
    async (t) => {
      const server = await serving(t, '--engine', engine);
      const agent = new Agent({ keepAlive: true, maxSockets: 10 });
      t.teardown(() => agent.destroy());
      for (const by of [false, agent] as const) {
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, n) =>
            ask({ ...trust(server), agent: by, path: '/echo', method: 'POST' }, Buffer.alloc(10_000, n)),
          ),
        );
        t.ok(answers.every(({ status, body }, n) => status === 200 && body.equals(Buffer.alloc(10_000, n))));
      }
      t.notMatch(server.program.text, /failed/);
      // Two clients drop in the middle, and nobody else notices.
      const whole = ask({ ...trust(server), path: '/slowly' });
      for (const path of ['/slowly', '/echo']) {
        const socket = await secured(server);
        socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf`);
        await once(socket, 'data');
        socket.destroy();
      }
      t.equal((await whole).body.length, 21);
      await server.program.says(/(^127\.0\.0\.1:\d+ failed: .*\(\w+Error\)\n){2}/m);
      const text = await stopped(t, server);
      t.match(text, /^stopped: 113 connections served$/m);
      t.equal(text.match(/ failed: /g)?.length, 2, 'and those that were kept were closed cleanly');
    },
  );

  t.test(
    `${engine}: SIGTERM lets an answer come to its end, sees idle connections off, and lets nobody in`,
    async (t) => {
      const server = await serving(t, '--engine', engine);
      const idle = await secured(server);
      idle.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(idle, 'data');
      let [cleanly, ended] = [false, false];
      idle.on('end', () => (cleanly = true)).on('close', () => (ended = true));
      const slow = await secured(server);
      slow.write('GET /slowly HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(slow, 'data');
      const rest = text(slow);
      server.program.signal('SIGTERM');
      await server.program.says(/SIGTERM: stopping/);
      slow.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'); // behind the one that is being answered
      for (const end = Date.now() + 5_000; !ended && Date.now() < end; ) await sleep(5);
      t.ok(cleanly && ended, 'the idle one had close_notify while the other was still being answered');
      const late = createConnection({ host, port: server.port });
      t.match(await once(late, 'error'), [{ code: 'ECONNREFUSED' }]);
      t.match(
        await rest,
        /9\n\r\n.*10\n\r\n0\r\n\r\nHTTP\/1\.1 200 OK\r\n.*hello from rxtls\n$/s,
        'both answers are whole',
      );
      t.equal(await server.program.exited, 0);
      t.match(server.program.text, /^stopped: 2 connections served$/m);
      t.notMatch(server.program.text, /failed/);
    },
  );
}

t.test('SIGINT, with a connection that never goes: it is cut after --grace', async (t) => {
  const server = await serving(t, '--grace', '300');
  const stuck = await secured(server);
  stuck.write('POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');
  await once(stuck, 'data');
  const began = Date.now();
  const text = await stopped(t, server, 'SIGINT');
  t.ok(Date.now() - began < 4_000);
  t.match(text, /^stopped: 1 connections served$/m);
});

t.test('a second signal ends it at once', async (t) => {
  const server = await serving(t, '--grace', '60000');
  const stuck = await secured(server);
  stuck.write('POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf');
  await once(stuck, 'data');
  server.program.signal('SIGTERM');
  await server.program.says(/SIGTERM: stopping/);
  await sleep(200); // it says so before it has let go of the first
  server.program.signal('SIGTERM');
  t.equal(await server.program.exited, null, 'by the signal');
});

t.test('what is not TLS, what is not HTTP, and a request that never ends its head', async (t) => {
  const server = await serving(t);
  const plain = createConnection({ host, port: server.port });
  plain.on('error', () => undefined); // a reset is as good as an end
  const closed = new Promise<void>((resolve) => plain.on('close', () => resolve()));
  plain.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await closed;
  await server.program.says(/^127\.0\.0\.1:\d+ failed: .*\(NotTlsError\)$/m);
  const socket = await secured(server);
  socket.write('EHLO client.example\r\n');
  t.match(await text(socket), /^HTTP\/1\.1 400 Bad Request\r\n/);
  const slow = await secured(server);
  slow.write('GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  t.match(await text(slow), /^HTTP\/1\.1 408 Request Timeout\r\n/, "Node's own time limits hold");
  await stopped(t, server);
});

t.test(
  'curl: pages, a body both ways, a connection that is used again, and the wrong authority',
  isInstalled('curl') ? {} : { skip: 'skipped: curl is not installed' },
  async (t) => {
    for (const engine of ['node', 'tls13']) {
      const server = await serving(t, '--engine', engine);
      const url = `https://localhost:${server.port}`;
      const curl = async (...args: readonly string[]) => {
        const own = [
          '--silent',
          '--show-error',
          '--max-time',
          '15',
          '--noproxy',
          '*',
          '--resolve',
          `localhost:${server.port}:${host}`,
        ];
        const program = new Program(t, 'curl', [own, args]);
        return { code: await program.exited, text: program.text };
      };
      const trusting = ['--cacert', server.authority];
      const both = await curl(
        ...trusting,
        `${url}/`,
        `${url}/slowly`,
        '--write-out',
        '[%{num_connects} %{http_version}]',
      );
      t.match(both, { code: 0, text: /^hello from rxtls\n\[1 1\.1\]1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n\[0 1\.1\]$/ });
      t.match(await curl(...trusting, '--data-binary', '@' + server.authority, `${url}/echo`), {
        code: 0,
        text: server.ca,
      });
      t.match(await curl(`${url}/`), { code: 60 });
      await stopped(t, server);
    }
  },
);

t.test('certificates of its own', async (t) => {
  const pki = await testPki();
  const { certificatePem, keyPem } = await pki.issue({ names: ['web.test'] });
  const files = t.testdir({ 'cert.pem': certificatePem, 'key.pem': keyPem });
  const own = ['--port', '0', '--cert', join(files, 'cert.pem'), '--key', join(files, 'key.pem')];
  const program = new Program(t, process.execPath, [loader, main, own]);
  const port = Number((await program.says(/localhost:(\d+)/))[1]);
  const { status } = await ask({ host, port, servername: 'web.test', ca: pki.authorityPem });
  t.equal(status, 200);
  program.signal('SIGTERM');
  t.equal(await program.exited, 0);
  const taken = await run('--port', String((await serving(t)).port));
  t.match(taken, { code: 1, stderr: /^error: [^\n]*EADDRINUSE[^\n]*\n$/ });
});

t.test('wrong arguments: 2, and one line', async (t) => {
  const nothing = join(folder, 'not.pem');
  for (const [args, message] of [
    [['--engine', 'nope'], /^error: --engine "nope": there is no such engine; there are node, tls13$/m],
    [['--port', '0', '--cert', join(folder, 'absent'), '--key', nothing], /^error: --cert ".*absent": no such file$/m],
    [['--port', '0', '--cert', nothing, '--key', nothing], /^error: --cert and --key: /m],
  ] as const) {
    const { code, stdout, stderr } = await run(...args);
    t.equal(code, 2, stderr);
    t.equal(stdout, '');
    t.match(stderr, message);
    t.equal(stderr.split('\n').length, 2, 'one line');
  }
  t.match(await run('--help'), { code: 0, stdout: /--port N/, stderr: '' });
});

t.test('arguments, read in this process', async (t) => {
  t.match(readArguments(['--port', '8443', '--cert', 'a', '--key', 'b']), {
    port: 8443,
    host,
    engine: 'node',
    files: { cert: 'a', key: 'b' },
    grace: 5000,
  });
  for (const [args, message] of [
    [['--cert', 'a', '--port', '1'], /^--cert and --key go together$/],
    [['--cert', 'a', '--key', 'b'], /^--cert needs --port$/],
    [['--host', '::1'], /^--host needs --port$/],
    [['--port', '1', '--cert', 'a', '--key', 'b', '--authority', 'c'], /^--authority: with --cert/],
    [['--port', '65536'], /^--port "65536": a whole number from 0 to 65535 is wanted$/],
    [['--grace=-1'], /^--grace "-1": a whole number/],
  ] as const)
    t.throws(() => readArguments(args), { name: 'UsageError', message });
  await t.rejects(credentialsOf(readArguments(['--port', '0', '--authority', folder])), {
    name: 'UsageError',
    message: /^--authority ".*": it is a folder$/,
  });
});
