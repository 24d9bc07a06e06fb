import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import type { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as moment } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import t from 'tap';
import { freePort, isInstalled, Program } from '../interop/program.ts';
import { runExample } from './run-example.ts';
import { answered, endOf, stalled, written } from './streams.ts';
import { Backend, backend, Terminator } from './terminator.ts';

t.setTimeout(180_000);
t.jobs = 2;

const engines = ['node', 'tls13'] as const;
const run = (...args: readonly string[]) => runExample('10-tls-terminator', args);
const without = (program: string) => (isInstalled(program) ? {} : { skip: `skipped: ${program} is not installed` });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
/** As it shows to a client: the alert of tls13Engine, or none. */
const aCut = /^(?:AlertReceived|Truncation|Aborted)Error$/;
const fingerprint = (socket: TLSSocket): string => socket.getPeerCertificate().fingerprint256;

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const late = Date.now() + 10_000; !(await holds()); await moment(20))
    if (Date.now() > late) throw new Error(`never: ${what}`);
}

for (const engine of engines) {
  t.test(`K1, K2 (${engine}): it shows itself: routes, rotations under traffic, metrics, its drain`, async (t) => {
    const { code, stdout, stderr } = await run('--engine', engine);
    t.equal(stderr, '');
    t.equal(code, 0);
    const at = String.raw`127\.0\.0\.1:\d+`;
    for (const line of [
      `terminating TLS on ${at}, engine ${engine}`,
      `  app.example to ${at}`,
      String.raw`  \*.b.example/http/1.1 to ${at}`,
      `  app.example: alpha`,
      `  www.b.example h2: beta`,
      `  www.b.example http/1.1: gamma`,
      `  www.b.example smtp: nobody: the peer sent the fatal alert no_application_protocol .*`,
      `  nobody.example: nobody: the peer sent the fatal alert unrecognized_name .*`,
      `${at} failed: cannot connect to ${at}: connection refused .*`,
      `  down.example: nobody: .*(?:reset|internal_error).*`,
      `generation 5 serves new connections`,
      String.raw`\*.example: not used: key is not the key of the first certificate in cert.*`,
      `by certificate: ${[1, 2, 3, 4, 5].map((nth) => String.raw`[1-9]\d* by ${nth}`).join(', ')}`,
      `  rxtls_server_credential_generation 5`,
      String.raw`  rxtls_server_credential_not_after\{rxtls_certificate="\*\.b\.example"\} 1\d{9}`,
      String.raw`  rxtls_server_credential_rejections_total\{.*rxtls_reason="mismatch"\} 1`,
      `SIGTERM: nobody else is let in`,
      `${at} cut at the deadline, 0 bytes lost`,
      `drained: 4 closed, 0 failed, 1 cut at the deadline`,
      String.raw`ledger: (\d+) accepted, \1 flushed, 0 lost, 0 refused bytes`,
      `4 of 4 were whole; who stayed saw: .*reset.*`,
    ])
      t.match(stdout, new RegExp(`^${line}$`, 'm'));
    const [, clients, whole] = /^(\d+) clients, 64 KiB each way: (\d+) whole$/m.exec(stdout) ?? [];
    t.ok(Number(clients) > 10, `${clients} clients`);
    t.equal(whole, clients);
  });

  t.test(`(${engine}) in use`, async (t) => {
    const slow = randomBytes(200_000);
    const web = (name: string) => (request: { readonly url?: string }, response: Writable) =>
      request.url === '/slow' ? void written(response, slow, 30) : response.end(`by ${name}\n`);
    const far = new Backend();
    const farPort = await backend(t, far.server);
    const server = await Terminator.started(
      t,
      [
        `app.example/h2=127.0.0.1:${await backend(t, createHttp2().on('request', web('http2')))}`,
        `app.example/http/1.1=127.0.0.1:${await backend(t, createHttp().on('request', web('http1.1')))}`,
        `echo.example/echo=127.0.0.1:${await backend(t, new Backend().server)}`,
        `far.example=127.0.0.1:${farPort}`,
        `down.example=127.0.0.1:${await freePort()}`,
      ],
      ['--engine', engine, '--quiet', '500'],
      `still.example=127.0.0.1:${farPort}`,
    );
    const { program, port } = server;
    const echoing = () => server.client('echo.example', { ALPNProtocols: ['echo'] });

    await t.test(
      'curl gets its backend by ALPN in five rotations, and a download goes on',
      without('curl'),
      async (t) => {
        const ask = (version: string, path: string) => {
          const trust = ['--cacert', server.authority, '--resolve', `app.example:${port}:127.0.0.1`];
          const url = `https://app.example:${port}${path}`;
          return new Program(t, 'curl', ['--silent', '--show-error', '--max-time', '30', trust, `--${version}`, url]);
        };
        const download = ask('http1.1', '/slow');
        for (let rotation = 1; rotation <= 5; rotation++) {
          const asked = ['http1.1', 'http2'].map((version) => ({ version, program: ask(version, '/') }));
          await server.rotate();
          asked.push(...['http1.1', 'http2'].map((version) => ({ version, program: ask(version, '/') })));
          for (const { version, program: curl } of asked) {
            t.equal(await curl.exited, 0, curl.text);
            t.equal(curl.text, `by ${version}\n`);
          }
        }
        t.equal(await download.exited, 0);
        t.equal(sha256(Buffer.concat(download.output)), sha256(slow));
      },
    );

    await t.test(
      'openssl s_client sees each of five certificates; who was there before goes on',
      without('openssl'),
      async (t) => {
        const client = (): Program =>
          new Program(t, 'openssl', [
            ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'echo.example', '-alpn', 'echo'],
            ['-CAfile', server.authority, '-verify_return_error', '-verify_hostname', 'echo.example'],
          ]);
        const says = async (one: Program, word: string): Promise<void> => {
          one.type(`${word}\n`);
          await one.says(new RegExp(`^${word}$`, 'm'));
        };
        const before = client();
        await says(before, 'before');
        for (let rotation = 1; rotation <= 5; rotation++) {
          await server.rotate();
          const one = client();
          await says(one, 'hello');
          t.match(one.text, /^ALPN protocol: echo$/m);
          const [pem = ''] = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----/.exec(one.text) ?? [];
          t.equal(new X509Certificate(pem).fingerprint256, server.certificates.at(-1));
          one.endInput();
          t.equal(await one.exited, 0, one.text);
        }
        await says(before, 'after');
        before.endInput();
        t.equal(await before.exited, 0);
      },
    );

    await t.test('200 connections at once lose nothing in two rotations', async (t) => {
      const hundred = () => Promise.all(Array.from({ length: 100 }, echoing));
      const first = await hundred();
      const [second] = await Promise.all([hundred(), server.rotate()]);
      const [older, newer] = server.certificates.slice(-2);
      t.ok(first.every((client) => fingerprint(client) === older));
      t.ok(second.every((client) => [older, newer].includes(fingerprint(client))));
      t.equal(fingerprint(await echoing().then((client) => client.end())), newer);
      const active = /^rxtls_server_connection_active 200$/m;
      await until(async () => active.test(await server.metrics()), '200 active connections');
      const sent = Array.from({ length: 200 }, () => randomBytes(32_768));
      const [answers] = await Promise.all([
        Promise.all([...first, ...second].map((client, at) => answered(client, sent[at]!, 50))),
        server.rotate(),
      ]);
      t.same(
        answers.map((answer) => sha256(answer)),
        sent.map((bytes) => sha256(bytes)),
      );
    });

    await t.test('a key that matches none: told, counted, and the last good pair serves on', async (t) => {
      await server.otherKey();
      await program.says(/^\*\.example: not used: key is not the key of the first certificate in cert/m);
      const client = await echoing();
      t.equal(fingerprint(client), server.certificates.at(-1));
      t.equal(`${await answered(client, Buffer.from('still here'))}`, 'still here');
      await server.rotate();
      const page = await server.metrics();
      t.match(page, new RegExp(`^rxtls_server_credential_generation ${server.certificates.length}$`, 'm'));
      t.match(
        page,
        /^rxtls_server_credential_rejections_total\{rxtls_certificate="\*\.example",.*rxtls_reason="mismatch"\} 1$/m,
      );
      t.match(page, /^rxtls_server_handshake_duration_count\{/m);
    });

    await t.test('a session outlives the renewal of another certificate', async (t) => {
      far.behaves = (socket) => socket.end('hello');
      const first = await server.client('still.example');
      t.equal(first.isSessionReused(), false);
      const [[session]] = await Promise.all([once(first, 'session'), buffer(first)]);
      await server.rotate();
      const again = await server.client('still.example', { session: session as Buffer });
      t.equal(again.isSessionReused(), true);
      again.end();
    });

    await t.test('who is not served is refused, by name and by protocol; a backend that is away is told', async (t) => {
      await t.rejects(server.client('nobody.example'), /unrecognized name/);
      await t.rejects(server.client(''), /unrecognized name/);
      await t.rejects(server.client('echo.example', { ALPNProtocols: ['smtp'] }), /no application protocol/i);
      await t.rejects(server.client('echo.example'), /no application protocol/i);
      const other = await echoing();
      t.match(await server.endOf('down.example'), aCut);
      await program.says(/^127\.0\.0\.1:\d+ failed: cannot connect to 127\.0\.0\.1:\d+: connection refused/m);
      t.equal(`${await answered(other, Buffer.from('goes on'))}`, 'goes on');
    });

    await t.test('an end is passed on both ways, and each way by itself', async (t) => {
      far.behaves = (socket) => {
        let length = 0;
        socket.on('data', (bytes) => (length += bytes.length));
        socket.on('end', () => socket.end(`${length} bytes and an end`));
      };
      const silent = await server.client('far.example');
      t.equal(`${await answered(silent, Buffer.alloc(0))}`, '0 bytes and an end');
      const talks = await server.client('far.example');
      t.equal(`${await answered(talks, randomBytes(10_000))}`, '10000 bytes and an end');
      const offers = await server.client('far.example', { ALPNProtocols: ['h2'] });
      t.equal(offers.alpnProtocol, false, 'a name whose one route is without ALPN takes whoever offers some too');
      t.equal(`${await answered(offers, Buffer.alloc(0))}`, '0 bytes and an end');

      const accepted = far.next();
      const client = await server.client('far.example', { allowHalfOpen: true });
      const socket = await accepted;
      const heard = buffer(socket);
      socket.end('that is all');
      t.equal(`${await new Promise((resolve) => client.once('data', resolve))}`, 'that is all');
      await once(client, 'end');
      const bytes = randomBytes(20_000);
      await written(client, bytes, 1);
      t.equal(sha256(await heard), sha256(bytes));
    });

    await t.test('a cut is passed on as a cut', async (t) => {
      far.behaves = (socket) => {
        socket.write('half of it');
        setTimeout(() => socket.resetAndDestroy(), 50);
      };
      t.match(await server.endOf('far.example'), aCut);
      far.behaves = (socket) => socket.end('all of it');
      t.equal(await server.endOf('far.example'), 'close_notify');

      const accepted = far.next();
      const leaves = await server.client('far.example');
      const left = await accepted;
      leaves.write('half of it');
      await once(left, 'data');
      const other = endOf(left);
      leaves.destroy(); // without close_notify
      t.equal(await other, 'error');
    });

    await t.test('who does not read stops who writes, and gets all of it later', async (t) => {
      const bytes = randomBytes(24 * 1_048_576);
      for (const to of ['backend', 'client']) {
        const accepted = far.next();
        const client = await server.client('far.example');
        const socket = await accepted;
        const [writer, reader] = to === 'backend' ? [client, socket] : [socket, client];
        const { sent, rest } = await stalled(writer, bytes);
        t.ok(sent < 16 * 1_048_576, `to the ${to}: ${sent} bytes`);
        rest();
        t.equal(sha256(await buffer(reader)), sha256(bytes));
        reader.end();
      }
    });

    await t.test('SIGTERM: nobody else is let in, who is there ends and loses nothing', async (t) => {
      const idle = await Promise.all([echoing(), echoing()]);
      const busy = await Promise.all([echoing(), echoing(), echoing()]);
      const sent = busy.map(() => randomBytes(40_960));
      const answers = Promise.all(busy.map((client, at) => answered(client, sent[at]!, 80)));
      const ends = Promise.all(idle.map((client) => buffer(client)));
      far.behaves = (socket) =>
        socket.once('data', () => void moment(1_500).then(() => socket.end('after long thought')));
      const asks = await server.client('far.example');
      asks.write('a question');
      const thought = buffer(asks);
      await moment(100);
      program.signal('SIGTERM');
      await program.says(/^SIGTERM: nobody else is let in$/m);
      await t.rejects(echoing(), { code: /^ECONN(?:REFUSED|RESET)$/ });
      t.same(await ends, [Buffer.alloc(0), Buffer.alloc(0)]);
      t.same(
        (await answers).map((answer) => sha256(answer)),
        sent.map((bytes) => sha256(bytes)),
      );
      t.equal(`${await thought}`, 'after long thought');
      t.equal(await program.exited, 0, program.text.slice(-2_000));
      t.match(program.text, /^drained: 6 closed, 0 failed, 0 cut at the deadline$/m);
      t.match(program.text, /^ledger: (\d+) accepted, \1 flushed, 0 lost, 0 refused bytes$/m);
    });
  });

  t.test(`(${engine}) who stays after SIGTERM is cut at the deadline, and the exit code is 0`, async (t) => {
    const args = ['--engine', engine, '--quiet', '200', '--deadline', '1000'];
    const server = await Terminator.started(
      t,
      [`echo.example=127.0.0.1:${await backend(t, new Backend().server)}`],
      args,
    );
    const { program } = server;
    const stays = await server.client('echo.example', { allowHalfOpen: true });
    const talks = await server.client('echo.example', { allowHalfOpen: true });
    const talking = setInterval(() => talks.write('and so on '), 20);
    t.teardown(() => clearInterval(talking));
    const ends = Promise.all([once(stays.resume(), 'end'), once(talks.resume(), 'error')]);
    await once(talks, 'data');
    program.signal('SIGINT');
    await ends;
    await program.says(/^drained: /m);
    for (const client of [stays, talks]) client.destroy(); // or its socket lingers
    t.equal(await program.exited, 0);
    t.match(program.text, /^SIGINT: nobody else is let in$/m);
    t.match(program.text, /(?:^127\.0\.0\.1:\d+ cut at the deadline, \d+ bytes lost$[^]*){2}/m);
    t.match(program.text, /^drained: 0 closed, 0 failed, 2 cut at the deadline$/m);
  });
}

t.test('a log that nobody reads any more ends nothing', async (t) => {
  const server = await Terminator.started(t, [`echo.example=127.0.0.1:${await backend(t, new Backend().server)}`]);
  const client = await server.client('echo.example', { allowHalfOpen: true });
  server.program.stopReading();
  for (let round = 0; round < 3; round++)
    await t.rejects(server.client('nobody.example'), { message: /unrecognized.name/ }, 'and is printed');
  t.equal(`${await answered(client, Buffer.from('still here'))}`, 'still here');
  server.program.signal('SIGTERM');
  t.equal(await server.program.exited, 0, server.program.text);
});

t.test('--idle ends who says nothing; a second signal ends the program at once', async (t) => {
  const args = ['--idle', '600', '--deadline', '60000'];
  const server = await Terminator.started(
    t,
    [`echo.example=127.0.0.1:${await backend(t, new Backend().server)}`],
    args,
  );
  const { program } = server;
  const talks = await server.client('echo.example');
  const talking = setInterval(() => talks.write('and so on '), 50);
  t.teardown(() => clearInterval(talking));
  talks.resume();
  await t.rejects(buffer(await server.client('echo.example')));
  await program.says(/failed: nobody said anything for 600 ms$/m);
  t.notOk(talks.closed);
  program.signal('SIGTERM');
  await program.says(/^SIGTERM: nobody else is let in$/m);
  await moment(100); // the first one is told while it is still waited for
  program.signal('SIGTERM');
  t.equal(await program.exited, null);
});

t.test('SIGTERM: who has asked a backend that is slow to accept is waited for too', async (t) => {
  // Its process is busy for a while, and two that wait to be accepted are all that its queue has room for.
  const busy = `
    const server = require('node:net').createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      require('node:fs').writeSync(1, 'port ' + server.address().port + '\\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    });`;
  const slow = new Program(t, process.execPath, ['-e', busy]);
  const port = Number((await slow.says(/^port (\d+)$/m))[1]);
  const server = await Terminator.started(t, [`echo.example=127.0.0.1:${port}`], ['--quiet', '300']);
  for (let waiting = 0; waiting < 2; waiting++) {
    const socket = connectTcp({ host: '127.0.0.1', port });
    t.teardown(() => void socket.destroy());
    await once(socket, 'connect');
  }
  const client = await server.client('echo.example', { allowHalfOpen: true });
  const answer = answered(client, Buffer.from('a question'));
  server.program.signal('SIGTERM');
  t.equal(`${await answer}`, 'a question');
  t.equal(await server.program.exited, 0);
  t.match(server.program.text, /^drained: 1 closed, 0 failed, 0 cut at the deadline$/m);
});

t.test('TLS 1.2: its close_notify ends both ways, which is no failure; a drain closes too', async (t) => {
  const server = await Terminator.started(
    t,
    [`echo.example=127.0.0.1:${await backend(t, new Backend().server)}`],
    ['--quiet', '200'],
  );
  const { program } = server;
  const bytes = randomBytes(100_000);
  const echoed = async (): Promise<TLSSocket> => {
    const client = await server.client('echo.example', { maxVersion: 'TLSv1.2' });
    t.equal(client.getProtocol(), 'TLSv1.2');
    const all: Buffer[] = [];
    client.on('data', (chunk: Buffer) => all.push(chunk));
    client.write(bytes);
    await until(async () => Buffer.concat(all).length === bytes.length, 'the echo');
    t.equal(sha256(Buffer.concat(all)), sha256(bytes));
    return client;
  };
  const stays = await echoed();
  const leaves = await echoed();
  leaves.end();
  await once(leaves, 'end');
  await until(async () => /^rxtls_server_connection_active 1$/m.test(await server.metrics()), 'one left');
  program.signal('SIGTERM');
  await once(stays, 'end');
  t.equal(await program.exited, 0);
  t.match(program.text, /^drained: 1 closed, 0 failed, 0 cut at the deadline$/m);
  t.notMatch(program.text, /failed:/);
});
