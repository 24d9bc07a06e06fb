import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { testPki } from '@rxtls/testing';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { readArguments } from '../../examples/09-browser-relay/arguments.ts';
import { BitFlip } from '../../examples/09-browser-relay/bit-flip.ts';
import { ask, launch, opened, shown } from '../../examples/09-browser-relay/check.ts';
import { demonstration, type DemonstrationOptions } from '../../examples/09-browser-relay/demonstration.ts';
import { RecordReader } from '../../examples/09-browser-relay/record-reader.ts';
import { relay, type RelayOptions, type Seen } from '../../examples/09-browser-relay/relay.ts';
import { isInstalled } from '../interop/program.ts';
import { runExample } from './run-example.ts';

t.setTimeout(120_000);

const host = '127.0.0.1';
const origin = 'http://page.test';
const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runExample('09-browser-relay', args, undefined, { env });
const hasChromium = ['chromium', 'chromium-browser', 'google-chrome'].some(isInstalled);
const skip = hasChromium ? {} : { skip: 'skipped: chromium is not installed' };

async function until(holds: () => boolean, what: string): Promise<void> {
  for (const late = Date.now() + 10_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > late) throw new Error(`never: ${what}`);
}

async function started(t: Test, options: DemonstrationOptions = {}) {
  const running = await demonstration(options);
  t.teardown(running.stop);
  const wire: Uint8Array[] = [];
  const ended: string[] = [];
  running.seen.subscribe((each) => ('bytes' in each ? wire.push(each.bytes) : ended.push(each.ended)));
  return { ...running, wire: () => Buffer.concat(wire), ended };
}

t.test('the page, in headless Chromium', skip, async (t) => {
  const browser = await launch();
  t.teardown(() => browser.close());

  await t.test('reads the answer; the relay saw all of it and no word', async (t) => {
    const { address, word, wire, ended } = await started(t);
    const page = await opened(browser, address);
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    await ask(page, '/', false);
    const first = await shown(page);
    t.equal(first.state, 'done', first.outcome);
    t.match(first.answer, new RegExp(`^HTTP/1\\.1 200 OK\\r\\n.*The word is ${word}\\.`, 's'));
    t.match(
      first.outcome,
      /^The whole answer: \d+ bytes, and then the server’s close_notify\. TLSv1\.3, TLS_\w+, \w+\.$/,
    );
    await until(() => ended.length === 1, 'the end at the relay');
    t.same(ended, ['both sides have ended']);
    await page.locator('#relay li', { hasText: 'both sides have ended' }).waitFor();
    const { relay: seen, server } = await shown(page);
    t.match(
      seen,
      /^→ +\d+ {2}16 03 01 [^\n]*\n← +\d+ {2}16 03 03 /,
      'the page draws what the relay sees, from the hellos on',
    );
    t.match(seen, /both sides have ended$/);
    t.equal(server, 'GET / HTTP/1.1\nanswered 200');
    t.ok((await page.locator('#from-server .sealed').count()) > 0, 'and a marble for each record');
    const bytes = wire();
    t.ok(bytes.length > 1_000);
    t.ok(bytes.includes('localhost'), 'the search finds what is in the clear: the server’s name in the hello');
    for (const secret of ['GET /', 'HTTP/1.1', 'Connection', 'The word', word]) t.notOk(bytes.includes(secret), secret);
    t.same(complaints, [], 'nothing in the console: the policy allows what the page does');
    await page.close();
  });

  await t.test('a flipped bit: the connection fails, and nothing is shown as the answer', async (t) => {
    const { address, wire, word } = await started(t);
    const page = await opened(browser, address);
    for (const path of ['/', '/slowly']) {
      await ask(page, path, true);
      const { state, outcome, answer } = await shown(page);
      t.equal(state, 'failed', path);
      t.equal(
        outcome,
        'The connection failed: a record does not authenticate (PeerMisbehavedError). Nothing was read.',
      );
      t.equal(answer, '');
      await page.waitForSelector('#from-server .flipped');
      t.match(await page.textContent('#relay'), /one bit of these it has flipped/);
    }
    t.notOk(wire().includes(word));
    await ask(page, '/', false);
    t.match(await shown(page), { state: 'done', answer: new RegExp(word) }, 'the next one is a connection of its own');
    await page.close();
  });

  await t.test('the relay is killed in the middle of the answer, and is gone', async (t) => {
    const { address, word, stopRelays } = await started(t);
    const page = await opened(browser, address);
    await ask(page, '/slowly', false);
    await page.locator('#answer', { hasText: 'line 2 of' }).waitFor();
    stopRelays();
    const { state, outcome, answer } = await shown(page);
    t.equal(state, 'failed');
    t.match(
      outcome,
      /^The connection failed: [^(]*1006[^(]* \(AbortedError\)\. The \d+ bytes below are the server’s, but they are not all/,
    );
    t.match(answer, new RegExp(`line  2 of 12: ${word}`));
    t.notMatch(answer, /line 12/);
    await ask(page, '/', false);
    t.match(await shown(page), {
      state: 'failed',
      outcome: /^The connection failed: cannot connect to ws:.* \(AbortedError\)\. Nothing was read\.$/,
      answer: '',
    });
    await page.close();
  });

  await t.test('an authority that did not issue the server’s certificate', async (t) => {
    const { otherAuthorityPem: authority } = await testPki();
    const { address } = await started(t, { authority });
    const page = await opened(browser, address);
    await ask(page, '/', false);
    t.match(await shown(page), { state: 'failed', outcome: /\(CertificateError\)\. Nothing was read\.$/, answer: '' });
    await page.close();
  });

  await t.test('the server behind the relay is gone', async (t) => {
    const { address, stopServer, ended } = await started(t);
    const page = await opened(browser, address);
    stopServer();
    await ask(page, '/', false);
    t.match(await shown(page), { state: 'failed', outcome: /\(AbortedError\)\. Nothing was read\.$/, answer: '' });
    await until(() => ended.length === 1, 'the relay tells it');
    t.match(ended[0], /cannot connect to 127\.0\.0\.1:\d+/);
    await page.close();
  });
});

t.test('--check prints what the page shows', skip, async (t) => {
  const { code, stdout, stderr } = await run(['--check']);
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  const readme = readFileSync(join(import.meta.dirname, '../../examples/09-browser-relay/README.md'), 'utf8');
  const expected = [...readme.matchAll(/```\n(the page[^`]*an honest relay[^`]*)```/g)][0]?.[1] ?? '';
  const shape = (text: string): string =>
    text
      .replaceAll(/127\.0\.0\.1:\d+/g, 'HOST:PORT')
      .replaceAll(/Date: .*/g, 'Date')
      .replace(/word is \w+/, 'word is')
      .replace(/saw: \d+/, 'saw')
      .replaceAll(/ +$/gm, '');
  t.equal(shape(stdout), shape(expected), 'what the README says');
});

t.test('without Chromium --check fails, and says why', async (t) => {
  const { code, stderr } = await run(['--check'], { PATH: import.meta.dirname });
  t.equal(code, 1);
  t.match(stderr, /^error: --check: chromium is not installed[^\n]*\n$/);
});

t.test('serves until Ctrl-C: the page with its policy, and nothing else', async (t) => {
  const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
  const cwd = join(import.meta.dirname, '../..');
  const child = spawn(process.execPath, [...loader, 'examples/09-browser-relay/main.ts'], { cwd, timeout: 30_000 });
  t.teardown(() => child.kill('SIGKILL'));
  let stdout = '';
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  await until(() => stdout.endsWith('Ctrl-C ends it\n'), 'it serves');
  const address = /the page +(http:\S+)/.exec(stdout)?.[1] ?? '';
  const page = await fetch(address);
  const policy = page.headers.get('content-security-policy') ?? '';
  t.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; /);
  t.match(policy, /connect-src 'self' ws:\/\/127\.0\.0\.1:\d+ ws:\/\/127\.0\.0\.1:\d+;/);
  t.notMatch(policy, /unsafe|\*/);
  const html = await page.text();
  t.match(html, /<script type="application\/json" id="settings">\{"authority":"-----BEGIN CERTIFICATE-----/);
  t.same([...html.matchAll(/<script(?! type="application\/json"| type="module" src)/g)], [], 'no script inline');
  t.equal((await fetch(new URL('/package.json', address))).status, 404);
  t.equal((await fetch(address, { method: 'POST' })).status, 405);

  const taken = await run(['--port', new URL(address).port]);
  t.equal(taken.code, 1);
  t.match(taken.stderr, /^error: cannot listen on 127\.0\.0\.1:\d+: EADDRINUSE\n$/);

  child.kill('SIGINT');
  const [code] = (await once(child, 'close')) as [number | null];
  t.equal(code, 0);
});

t.test('arguments', async (t) => {
  t.same(readArguments([]), { help: false, check: false, port: 0 });
  t.same(readArguments(['--check', '--port', '8080']), { help: false, check: true, port: 8080 });
  for (const wrong of [['--port', '65536'], ['--port', 'x'], ['--port'], ['stray'], ['--chekc']])
    t.throws(() => readArguments(wrong), { name: 'UsageError' }, wrong.join(' '));
  t.match(await run(['--port', '-1']), { code: 2, stdout: '', stderr: /^error: [^\n]+\n$/ });
  t.match(await run(['--help']), { code: 0, stdout: /--check/, stderr: '' });
});

// ── The relay, without a browser ───────────────────────────────────────────────────────────────────────────────────────

/** A TCP server, and a relay to it. */
async function relayed(t: Test, options: Partial<RelayOptions> = {}, each: (socket: Socket) => void = () => undefined) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // cut on purpose
    each(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  const target = { host, port: (server.address() as AddressInfo).port };
  const seen: Seen[] = [];
  let stop = (): void => undefined;
  const url = await new Promise<string>((resolve, reject) => {
    const listening = (at: { url: string }): void => resolve(at.url);
    const subscription = relay({ host, target, origin: () => origin, listening, ...options }).subscribe({
      next: (one) => seen.push(one),
      error: reject,
    });
    stop = () => subscription.unsubscribe();
  });
  t.teardown(() => {
    stop();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const ends = (): string[] => seen.flatMap((one) => ('ended' in one ? one.ended : []));
  return { url, sockets, seen, ends, stop: () => stop() };
}

/** A page's WebSocket, and how it closed. */
async function dialled(t: Test, url: string, from: string = origin) {
  const socket = new WebSocket(url, { origin: from });
  t.teardown(() => socket.terminate());
  const log = { code: 0, text: '', error: '' };
  socket.on('error', ({ message }) => (log.error = message));
  socket.on('close', (code) => (log.code = code));
  socket.on('message', (data: Buffer) => (log.text += data.toString('latin1')));
  await until(() => socket.readyState === WebSocket.OPEN || log.code !== 0 || log.error !== '', 'an answer');
  return { socket, log };
}

t.test('the relay passes bytes on in both directions, and their ends', async (t) => {
  const { url, seen, ends } = await relayed(t, {}, (socket) => socket.pipe(socket));
  const { socket, log } = await dialled(t, url);
  socket.send(Buffer.from('there'));
  await until(() => log.text === 'there', 'and back');
  socket.close(1000);
  await until(() => ends().length === 1, 'an end');
  t.same(
    seen.flatMap((one) => ('bytes' in one ? `${one.from} ${Buffer.from(one.bytes).toString()}` : one.ended)),
    ['page there', 'server there', 'both sides have ended'],
  );
  t.equal(log.code, 1000);
});

t.test('the relay takes pages of one origin, on one path, and leads to one place', async (t) => {
  const { url, sockets } = await relayed(t);
  for (const from of ['http://other.test', 'null', `${origin}.other.test`])
    t.match((await dialled(t, url, from)).log.error, /403/, from);
  t.match((await dialled(t, `${url}somewhere`)).log.error, /404/);
  t.equal(sockets.length, 0, 'the server has heard of none of them');
  const { log } = await dialled(t, `${url}?target=192.0.2.1:22`);
  await until(() => sockets.length === 1, 'the only target there is');
  t.equal(log.error, '');
});

t.test('the relay bounds connections, bytes, silence and lifetime', async (t) => {
  await t.test('connections', async (t) => {
    const { url } = await relayed(t, { limits: { connections: 2 } });
    const both = [await dialled(t, url), await dialled(t, url)];
    const third = await dialled(t, url);
    t.match(third.log.error, /socket hang up|ECONNRESET/);
    t.same(
      both.map(({ socket }) => socket.readyState),
      [WebSocket.OPEN, WebSocket.OPEN],
    );
  });
  await t.test('bytes, in both directions together', async (t) => {
    const { url, ends } = await relayed(t, { limits: { bytes: 1_000 } }, (socket) => socket.pipe(socket));
    const { socket, log } = await dialled(t, url);
    socket.send(Buffer.alloc(500));
    await until(() => log.text.length === 500, 'as many as may be');
    t.same(ends(), []);
    socket.send(Buffer.alloc(1));
    await until(() => log.code !== 0, 'cut');
    t.equal(log.code, 1006);
    t.same(ends(), ['it carried more than 1000 bytes']);
  });
  for (const [limit, why, speaks] of [
    ['idle', 'nobody said anything for too long', false],
    ['lifetime', 'it was open for too long', true],
  ] as const)
    await t.test(limit, async (t) => {
      const { url, ends, sockets } = await relayed(t, { limits: { [limit]: 200 } });
      const { socket, log } = await dialled(t, url);
      const speak = (): void => {
        if (speaks && socket.readyState === WebSocket.OPEN) socket.send(Buffer.from('x'));
      };
      const speaking = setInterval(speak, 20);
      t.teardown(() => clearInterval(speaking));
      await until(() => log.code !== 0, 'cut');
      t.equal(log.code, 1006);
      t.same(ends(), [why]);
      await until(() => sockets[0]?.destroyed === true, 'the server’s side is cut too');
    });
});

t.test('the relay holds a server up whose page does not read, and goes on when it does', async (t) => {
  const wanted = 64 * 1_048_576;
  const chunk = Buffer.alloc(65_536);
  let given = 0;
  const { url } = await relayed(t, { limits: { bytes: 2 * wanted } }, (socket) => {
    const give = (): void => {
      while (given < wanted && socket.write(chunk)) given += chunk.length;
    };
    socket.on('drain', give);
    give();
  });
  const { socket } = await dialled(t, url);
  let read = 0;
  socket.on('message', (data: Buffer) => (read += data.length));
  socket.pause();
  for (let before = -1; before !== given; await new Promise((resolve) => setTimeout(resolve, 200))) before = given;
  t.ok(given < wanted / 2, `${given} bytes were given: the rest is in the system's buffers`);
  socket.resume();
  await until(() => read > wanted / 2, 'it goes on');
});

t.test('the relay tells of a server that is not there, and cuts all when it is stopped', async (t) => {
  const gone = await relayed(t, { target: { host, port: 1 } });
  const { log } = await dialled(t, gone.url);
  await until(() => log.code !== 0, 'cut');
  t.equal(log.code, 1006);
  t.match(gone.ends(), [/cannot connect to 127\.0\.0\.1:1/]);

  const { url, stop, sockets } = await relayed(t);
  const two = [await dialled(t, url), await dialled(t, url)];
  await until(() => sockets.length === 2, 'two servers');
  stop();
  await until(() => two.every(({ log }) => log.code === 1006), 'both are cut');
  await until(() => sockets.every(({ destroyed }) => destroyed), 'on the other side too');
  t.match((await dialled(t, url)).log.error, /ECONNREFUSED/);
});

t.test('a request that is no upgrade gets nothing from the relay', async (t) => {
  const { url } = await relayed(t);
  const asked = httpRequest(url.replace('ws:', 'http:'), { headers: { origin } });
  asked.end();
  const [response] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }];
  response.resume();
  t.ok(response.statusCode >= 400, String(response.statusCode));
});

t.test('records are read from any chunks; one bit is flipped, once, and not in the handshake', async (t) => {
  const record = (type: number, length: number): Buffer =>
    Buffer.from([type, 3, 3, length >> 8, length & 255, ...Array<number>(length).fill(7)]);
  const flight = Buffer.concat([record(22, 90), record(20, 1), record(23, 300), record(21, 0), record(23, 17)]);
  for (const size of [1, 2, 5, 6, 100, flight.length]) {
    const reader = new RecordReader();
    const seen: string[] = [];
    for (let at = 0; at < flight.length; at += size)
      for (const { type, length } of reader.read(flight.subarray(at, at + size))) seen.push(`${type} ${length}`);
    t.same(
      seen,
      ['handshake 90', 'change_cipher_spec 1', 'application_data 300', 'alert 0', 'application_data 17'],
      `${size}`,
    );
  }
  const flip = new BitFlip();
  flip.fromPage(record(22, 90));
  const hello = record(23, 20);
  t.equal(flip.fromServer(hello), undefined);
  t.same(hello, record(23, 20));
  flip.fromPage(Buffer.concat([record(20, 1), record(23, 5)]));
  const answer = record(23, 20);
  t.equal(flip.fromServer(answer.subarray(0, 5)), undefined, 'nothing of its body yet');
  t.equal(flip.fromServer(answer.subarray(5)), undefined, 'a body whose beginning is in another chunk is left');
  const next = record(23, 20);
  t.equal(flip.fromServer(next), 5);
  t.equal(next[5], 6);
  t.same(next.subarray(6), record(23, 20).subarray(6));
  t.equal(flip.fromServer(record(23, 20)), undefined, 'once');
});
