import type { ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { testPki } from '@rxtls/testing';
import t, { type Test } from 'tap';
import { readArguments } from '../../examples/08-through-a-proxy/arguments.ts';
import { elsewhere } from '../../examples/08-through-a-proxy/elsewhere.ts';
import { type Outcome, runExample } from './run-example.ts';
import { listening, type Peer } from './tls-peers.ts';

t.setTimeout(180_000);
t.jobs = 2;

const [pki, other] = [await testPki(), await testPki()];
const folder = t.testdir({ 'proxy.pem': pki.authorityPem, 'origin.pem': other.authorityPem, 'not.pem': 'nothing\n' });
const file = (name: string): string => join(folder, name);
const run = (...args: readonly string[]): Promise<Outcome> => runExample('08-through-a-proxy', args);
const secret = 'sesame:open';

async function httpsServer(t: Test, from: typeof pki, ...[names]: readonly string[][]) {
  const { certificatePem: cert, keyPem: key } = await from.issue({ names: names ?? ['localhost'] });
  const server = createHttpsServer({ cert, key }).on('tlsClientError', () => undefined); // told by the client's side
  const peer = await listening(server);
  t.teardown(() => {
    server.closeAllConnections();
    peer.close();
  });
  return { server, peer };
}

/** A proxy by Node alone; `answer` may say and do what it likes instead of opening a tunnel. */
async function proxy(t: Test, answer?: (client: Duplex) => void, names?: string[]) {
  const { server, peer } = await httpsServer(t, pki, ...(names ? [names] : []));
  const seen = { asked: [] as string[], authorization: [] as (string | undefined)[], sent: Buffer.alloc(0) };
  const clients: Duplex[] = [];
  server.on('connect', (request, client: Duplex) => {
    seen.asked.push(request.url ?? '');
    seen.authorization.push(request.headers['proxy-authorization']);
    client.on('error', () => undefined); // the client's side judges
    if (answer !== undefined) return answer(client);
    const tunnel = connect(Number(request.url?.split(':').at(-1)), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      client.on('data', (bytes: Buffer) => (seen.sent = Buffer.concat([seen.sent, bytes])));
      client.pipe(tunnel).pipe(client);
    });
    tunnel.on('error', () => client.destroy());
    client.on('close', () => tunnel.destroy());
    clients.push(client);
  });
  return { peer, seen, server, cut: () => clients.forEach((client) => client.destroy()) };
}

async function origin(t: Test, answer?: (response: ServerResponse) => void) {
  const { server, peer } = await httpsServer(t, other);
  const asked: string[] = [];
  server.on('request', (request, response) => {
    asked.push(`${request.url} ${request.headers.host} ${String(request.headers['proxy-authorization'])}`);
    if (answer === undefined) response.end('from the origin');
    else answer(response);
  });
  return { peer, asked };
}

const through = (proxy: Peer, origin: { readonly port: number }, ...more: readonly string[]): Promise<Outcome> =>
  runExample(
    '08-through-a-proxy',
    [
      ['--proxy', `https://localhost:${proxy.port}`, '--proxy-ca', file('proxy.pem')],
      ['--url', `https://localhost:${origin.port}/path?query`, '--ca', file('origin.pem'), '--wait', '5000', ...more],
    ].flat(),
    undefined,
    { env: { PROXY_CREDENTIALS: secret } },
  );

function failed(t: Test, { code, stdout, stderr }: Outcome, message: RegExp): void {
  t.equal(code, 1, stderr);
  t.match(stderr, message);
  t.match(stderr, /^error: [^\n]+\n$/, 'one line');
  t.notMatch(stderr + stdout, /sesame|c2VzYW1l/, 'no secret');
}

for (const engine of ['node', 'tls13']) {
  t.test(`${engine}: the demonstration: TLS in TLS, and everybody who is refused`, async (t) => {
    const { code, stdout, stderr } = await run('--engine', engine);
    t.equal(code, 0, stderr);
    t.equal(stderr, '');
    const lines = [
      String.raw`^proxy: {2}proxy\.test, passed, TLSv1\.3, TLS_AES_\w+, http\/1\.1`,
      String.raw`origin: origin\.test, passed, TLSv1\.3, TLS_CHACHA20_POLY1305_SHA256, http\/1\.1`,
      String.raw`GET \/: HTTP\/1\.1 200 OK, \d+ bytes with its head`,
      'refused',
      String.raw`a wrong password: .*\(407\).* \(PeerIncompatibleError\)`,
      String.raw`a target that the proxy forbids: .*\(403\) \(PeerIncompatibleError\)`,
      String.raw`a target where nobody listens: .*\(502\) \(PeerIncompatibleError\)`,
      String.raw`an origin by another name: .*is not for other\.test \(CertificateError\)`,
      String.raw`an origin that the authority of the proxy speaks for: .* \(CertificateError\)`,
      String.raw`a proxy by another name: .*is not for other\.test \(CertificateError\)` + '\n$',
    ];
    t.match(stdout, new RegExp(lines.join('\n')));
    t.notMatch(stdout, /sesame|barley/, 'no secret');
  });

  t.test(
    `${engine}: another proxy has the credentials, the origin has the request, and neither has both`,
    async (t) => {
      const [by, to] = [await proxy(t), await origin(t)];
      const { code, stdout, stderr } = await through(by.peer, to.peer, '--engine', engine);
      t.equal(code, 0, stderr);
      t.match(
        stdout,
        /^proxy: {2}localhost, passed, TLSv1\.3, .*\norigin: localhost, passed, TLSv1\.3, .*\nGET \/path\?query: HTTP\/1\.1 200 OK, \d+ bytes/,
      );
      t.same(by.seen.asked, [`localhost:${to.peer.port}`]);
      t.same(by.seen.authorization, [`Basic ${Buffer.from(secret).toString('base64')}`]);
      t.same(to.asked, [`/path?query localhost:${to.peer.port} undefined`]);
      t.equal(by.seen.sent[0], 22, 'what the proxy passes on begins as a TLS handshake');
      t.notMatch(by.seen.sent.toString('latin1'), /path|GET/);
    },
  );
}

t.test('a proxy that is not who it says is told nothing', async (t) => {
  const by = await proxy(t, undefined, ['another.test']);
  failed(t, await through(by.peer, { port: 1 }), /is not for localhost \(CertificateError\)$/m);
  t.same(by.seen.asked, []);
});

t.test('an origin that is not who it says is asked nothing, though the tunnel is there', async (t) => {
  const { server, peer } = await httpsServer(t, other, ['another.test']);
  let asked = 0;
  server.on('request', () => asked++);
  const by = await proxy(t);
  failed(t, await through(by.peer, peer), /is not for localhost \(CertificateError\)$/m);
  t.equal(by.seen.asked.length, 1);
  t.equal(asked, 0);
});

t.test('a proxy that refuses, or answers what is no answer', async (t) => {
  for (const [words, message] of [
    ['HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n', /\(407\).*\(PeerIncompatibleError\)$/m],
    ['220 ready\r\n', /\(PeerMisbehavedError\)$/m],
    ['HTTP/1.1 200 OK\r\n\r\nin the clear', /\(NotTlsError\)$/m],
  ] as const) {
    const by = await proxy(t, (client) => client.end(words));
    failed(t, await through(by.peer, { port: 1 }), message);
  }
});

t.test('a proxy that is killed before the tunnel, and in the middle of the answer', async (t) => {
  const early = await proxy(t, (client) => client.destroy());
  failed(t, await through(early.peer, { port: 1 }), /\((Truncation|Aborted)Error\)$/m);
  const by = await proxy(t);
  const to = await origin(t, (response) => {
    response.write('half of it');
    setTimeout(() => by.cut(), 100);
  });
  failed(t, await through(by.peer, to.peer), /\((Truncation|Aborted)Error\)$/m);
});

t.test('a proxy that is not there, one that never answers, and an origin that does not', async (t) => {
  const gone = await listening(createTcpServer());
  gone.close();
  failed(t, await through(gone, { port: 1 }), /cannot connect to localhost:\d+: connection refused \(ECONNREFUSED\)/);
  const deaf = await proxy(t, () => undefined);
  failed(
    t,
    await through(deaf.peer, { port: 1 }, '--wait', '500'),
    /^error: the server did not answer within 500 ms$/m,
  );
  const [by, to] = [await proxy(t), await origin(t, () => undefined)];
  failed(t, await through(by.peer, to.peer, '--wait', '700'), /^error: the server did not answer within 700 ms$/m);
});

t.test('wrong arguments: 2, and one line', async (t) => {
  const there = ['--proxy', 'https://localhost:1', '--url', 'https://localhost:1/'];
  for (const [args, message] of [
    [['--engine', 'nope'], /^error: --engine "nope": there is no such engine; there are node, tls13$/m],
    [[...there, '--proxy-ca', file('not.pem')], /^error: .*no certificate/m],
  ] as const) {
    const { code, stdout, stderr } = await run(...args);
    t.equal(code, 2, stderr);
    t.equal(stdout, '');
    t.match(stderr, message);
    t.equal(stderr.split('\n').length, 2, 'one line');
  }
  t.match(await run('--help'), { code: 0, stdout: /PROXY_CREDENTIALS/, stderr: '' });
});

t.test('arguments, read in this process', async (t) => {
  const { there, ...rest } = readArguments(['--proxy', 'https://p.test', '--url', 'https://[::1]:8443/a?b']);
  t.same(rest, { help: false, engine: 'node', proxyCa: undefined, ca: undefined, wait: 10_000 });
  const journey = await elsewhere(readArguments([]), there!.proxy, there!.origin);
  t.match(journey, { proxy: { host: 'p.test', port: 443 }, target: '[::1]:8443', path: '/a?b' });
  t.notOk('credentials' in journey);
  const absent = { ...readArguments([]), ca: file('absent.pem') };
  await t.rejects(elsewhere(absent, there!.proxy, there!.origin), {
    name: 'UsageError',
    message: /^--ca ".*": no such file$/,
  });
  for (const [args, message] of [
    [['--proxy', 'https://p.test'], /^--proxy and --url go together$/],
    [['--ca', 'x'], /^--proxy-ca and --ca need --proxy and --url$/],
    [['--proxy', 'http://p.test', '--url', 'https://a.test'], /^--proxy: https:\/\/HOST:PORT is wanted$/],
    [
      ['--proxy', 'https://me:s3cret@p.test', '--url', 'https://a.test'],
      /^--proxy: a user and a password stand in PROXY_/,
    ],
    [['--wait', 'x'], /^--wait "x": a whole number/],
    [['stray'], /^Unexpected argument 'stray'/],
  ] as const)
    t.throws(() => readArguments(args), { name: 'UsageError', message });
});
