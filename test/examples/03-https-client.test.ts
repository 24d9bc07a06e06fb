import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { testPki } from '@rxtls/testing';
import { concat, from, lastValueFrom, NEVER } from 'rxjs';
import t, { type Test } from 'tap';
import { readArguments } from '../../examples/03-https-client/arguments.ts';
import { httpAnswer } from '../../examples/03-https-client/http-answer.ts';
import { targetOf } from '../../examples/03-https-client/target.ts';
import { authorityFile } from '../interop/files.ts';
import { opensslMissing, sServer } from '../interop/openssl.ts';
import { type Outcome, runExample } from './run-example.ts';
import { listening, type Peer, tlsPeer } from './tls-peers.ts';

t.setTimeout(180_000);
t.jobs = 2;

const pki = await testPki();
const ca = join(t.testdir({ 'ca.pem': pki.authorityPem, 'not.pem': 'nothing of the kind\n' }), 'ca.pem');
const run = (...args: readonly string[]): Promise<Outcome> => runExample('03-https-client', args);
const trusting = (peer: Peer, ...more: readonly string[]): Promise<Outcome> =>
  run('--url', `https://localhost:${peer.port}/path?query`, '--ca', ca, '--wait', '5000', ...more);

/** A server of this process, closed with its test. */
async function peerOf(t: Test, server: Promise<Peer>): Promise<Peer> {
  const peer = await server;
  t.teardown(() => peer.close());
  return peer;
}

/** A server that says these words to whoever has asked, and then does that. */
const says = async (t: Test, words: string, then: (socket: TLSSocket) => void): Promise<Peer> =>
  peerOf(
    t,
    tlsPeer(await pki.leaf('ecdsa'), (socket) =>
      socket.once('data', () => socket.write(words, () => then(socket)) || undefined),
    ),
  );

function failed(t: Test, { code, stdout, stderr }: Outcome, message: RegExp): void {
  t.equal(code, 1, stderr);
  t.match(stderr, message);
  t.match(stderr, /^error: [^\n]+\n$/, 'one line');
  t.notMatch(stdout, /^GET .*: 200/m);
}

for (const engine of ['node', 'tls13']) {
  t.test(`${engine}: the demonstration, by hand and by http.request`, async (t) => {
    const { code, stdout, stderr } = await run('--engine', engine);
    t.equal(code, 0, stderr);
    t.equal(stderr, '');
    const negotiated = String.raw`TLSv1\.3, TLS_\w+, http\/1\.1`;
    const lines = [
      'by hand',
      `connection 1: ${negotiated}, full handshake`,
      String.raw`GET \/: 200, 16 bytes \(content-length\)`,
      `connection 2: ${negotiated}, resumed`,
      String.raw`GET \/chunked: 200, 23 bytes \(chunked\)`,
      `connection 3: ${negotiated}, resumed`,
      String.raw`GET \/until-the-end: 200, 29 bytes \(the end of the connection\)`,
      String.raw`by http\.request`,
      `connection 4: ${negotiated}, full handshake`,
      String.raw`GET \/: 200, 16 bytes`,
      String.raw`GET \/chunked: 200, 23 bytes`,
      String.raw`GET \/until-the-end: 200, 29 bytes`,
      `connection 5: ${negotiated}, resumed`,
      String.raw`GET \/again: 200, 21 bytes`,
    ];
    t.match(stdout, new RegExp(`^${lines.join('\n')}\n$`));
  });

  t.test(
    `${engine}: openssl s_server -www, which ends each answer with its connection`,
    opensslMissing === undefined ? {} : { skip: opensslMissing },
    async (t) => {
      const { port } = await sServer(t, { leaf: 'ecdsa', version: 'TLSv1.3', http: true });
      const url = `https://localhost:${port}/`;
      const { code, stdout, stderr } = await run('--url', url, '--ca', authorityFile, '--engine', engine);
      t.equal(code, 0, stderr);
      t.match(stdout, /^connection 1: TLSv1\.3, TLS_\w+, no ALPN, full handshake$/m);
      t.match(stdout, /^GET \/: 200, \d{3,} bytes \(the end of the connection\)$/m);
      t.match(stdout, /^connection 2: .*, resumed$/m);
      t.equal(stdout.match(/^connection \d: /gm)?.length, 4, 'one by hand and three by the agent');
      t.equal(stdout.match(/^GET \/: 200/gm)?.length, 4);
    },
  );

  t.test(`${engine}: another server, which has the path and the host of the URL`, async (t) => {
    const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
    const asked: string[] = [];
    const server = createHttpsServer({ cert, key, keepAliveTimeout: 60_000 }, (request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.host} ${request.headers.connection}`);
      response.end('x'.repeat(300_000));
    });
    let closed = 0;
    server.on('secureConnection', (socket: TLSSocket) => socket.on('close', () => closed++));
    const peer = await peerOf(t, listening(server));
    const outcome = await trusting(peer, '--engine', engine);
    t.equal(outcome.code, 0, outcome.stderr);
    t.equal(closed, 2, 'and nothing is left open');
    t.equal(outcome.stdout.match(/: 200, 300000 bytes/g)?.length, 4);
    t.equal(outcome.stdout.match(/^connection \d: /gm)?.length, 2);
    const all = ['close', 'keep-alive', 'keep-alive', 'keep-alive'];
    t.same(
      asked,
      all.map((kept) => `GET /path?query localhost:${peer.port} ${kept}`),
    );
  });
}

t.test('an old server: TLS 1.2 by the engine that speaks it, and a refusal by the one that does not', async (t) => {
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  const server = createHttpsServer({ cert, key, maxVersion: 'TLSv1.2' }, (_, response) => response.end('old'));
  const peer = await peerOf(t, listening(server));
  const { code, stdout, stderr } = await trusting(peer);
  t.equal(code, 0, stderr);
  t.match(stdout, /^connection 1: TLSv1\.2, TLS_ECDHE_\w+, http\/1\.1, full handshake$/m);
  failed(t, await trusting(peer, '--engine', 'tls13'), /protocol_version/);
});

t.test('a certificate that does not hold is refused, and nothing is asked', async (t) => {
  for (const [leaf, engine, message] of [
    ['untrusted', 'node', /\(CertificateError\)$/m],
    ['untrusted', 'tls13', /\(CertificateError\)$/m],
    ['wrong-name', 'node', /the peer's certificate is not for localhost \(CertificateError\)$/m],
    ['expired', 'tls13', /expired \(CertificateError\)$/m],
  ] as const) {
    let asked = 0;
    const peer = await tlsPeer(await pki.leaf(leaf), (socket) => void socket.on('data', () => asked++));
    failed(t, await trusting(peer, '--engine', engine), message);
    t.equal(asked, 0, `${leaf}, ${engine}`);
    peer.close();
  }
});

t.test('where nobody listens, and what is not TLS', async (t) => {
  const gone = await listening(createTcpServer());
  gone.close();
  failed(t, await trusting(gone), /cannot connect to localhost:\d+: connection refused \(ECONNREFUSED\)/);
  failed(t, await trusting(await peerOf(t, listening(createHttpServer()))), /\(NotTlsError\)$/m);
});

t.test('a server that says nothing is not waited for without end', async (t) => {
  const deaf = await peerOf(
    t,
    tlsPeer(await pki.leaf('ecdsa'), (socket) => void socket.resume()),
  );
  failed(t, await trusting(deaf, '--wait', '300'), /^error: the server did not answer within 300 ms$/m);
});

const head = 'HTTP/1.1 200 OK\r\n';

t.test('a server that is killed in the middle: a part is never taken for the whole', async (t) => {
  const cut = (socket: TLSSocket): void => void setTimeout(() => socket.destroy(), 50);
  for (const words of [`${head}Content-Length: 20\r\n\r\nhalf`, `${head}\r\nhow long it is only the end says`])
    failed(t, await trusting(await says(t, words, cut)), /\(TruncationError\)$/m);
});

t.test('a server that closes before its answer is whole', async (t) => {
  const peer = await says(t, `${head}Content-Length: 20\r\n\r\nhalf`, (socket) => socket.end());
  failed(t, await trusting(peer), /^error: the server's answer: the connection ended before it$/m);
});

t.test('a server that is killed in front of the agent: http.request fails, and so does the program', async (t) => {
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  const server: Server = createHttpsServer({ cert, key }, (request, response) => {
    if (request.headers.connection === 'close') response.end('by hand');
    else response.writeHead(200, { 'content-length': 20 }).write('half', () => request.socket.destroy());
  });
  const { code, stdout, stderr } = await trusting(await peerOf(t, listening(server)));
  t.equal(code, 1);
  t.match(stdout, /^GET .*: 200, 7 bytes \(content-length\)$/m);
  t.match(stderr, /^error: [^\n]+\n$/);
  t.notMatch(stdout, /^GET .*: 200, 4/m);
});

t.test('wrong arguments: 2, and one line', async (t) => {
  for (const [args, message] of [
    [['--engine', 'nope'], /^error: --engine "nope": there is no such engine; there are node, tls13$/m],
    [['--url', 'https://localhost/', '--ca', join(ca, '..', 'not.pem')], /^error: --ca FILE holds no certificate/m],
  ] as const) {
    const { code, stdout, stderr } = await run(...args);
    t.equal(code, 2, stderr);
    t.equal(stdout, '');
    t.match(stderr, message);
    t.equal(stderr.split('\n').length, 2, 'one line');
  }
  t.match(await run('--help'), { code: 0, stdout: /--engine NAME/, stderr: '' });
});

t.test('arguments, read in this process', async (t) => {
  const { url, ...rest } = readArguments(['--url', 'https://example.test/a', '--wait', '5']);
  t.equal(url?.href, 'https://example.test/a');
  t.same(rest, { help: false, engine: 'node', ca: undefined, wait: 5 });
  for (const [args, message] of [
    [['--ca', 'x'], /^--ca needs --url$/],
    [['--url', 'http://a/'], /^--url: https:\/\/HOST:PORT\/PATH is wanted$/],
    [['--url', 'a:1'], /^--url: /],
    [['--url', 'https://me:secret@a/'], /^--url: a user and a password are not for it$/],
    [['--engine', 'toString'], /there is no such engine/],
    [['--wait', '0'], /^--wait "0": a whole number/],
    [['stray'], /^Unexpected argument 'stray'.* \(--help shows the options\)$/],
  ] as const)
    t.throws(() => readArguments(args), { name: 'UsageError', message });
  await t.rejects(targetOf(readArguments(['--url', 'https://localhost/', '--ca', join(ca, '..', 'absent.pem')])), {
    name: 'UsageError',
    message: /^--ca ".*": no such file$/,
  });
});

const readFrom = (chunks: Iterable<Uint8Array>, limits = {}) => lastValueFrom(from(chunks).pipe(httpAnswer(limits)));
const wholly = (text: string): Buffer[] => [Buffer.from(text, 'latin1')];
const byteByByte = (text: string): Buffer[] => Array.from(Buffer.from(text, 'latin1'), (byte) => Buffer.of(byte));

t.test('an answer is the same in whatever pieces it comes', async (t) => {
  for (const [text, body, framing] of [
    [`${head}Content-Length: 5\r\n\r\nhello and more`, 'hello', 'content-length'],
    [`${head}Content-Length: 0\r\n\r\n`, '', 'content-length'],
    ['HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n', '', 'no body'],
    ['HTTP/1.0 200 ok\r\n\r\nto the end\r\n', 'to the end\r\n', 'the end of the connection'],
    [`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103\r\nLink: x\r\n\r\n${head}\r\n`, '', 'the end of the connection'],
    [
      `${head}Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\nB;x=y\r\n, and more\n\r\n0\r\nT: 1\r\n\r\n`,
      'hello, and more\n',
      'chunked',
    ],
  ] as const)
    for (const cut of [wholly, byteByByte])
      t.match(await readFrom(cut(text)), { body: Buffer.from(body), framing }, text);
  const { headers } = await readFrom(wholly(`${head}A:  1 \r\na:2\r\nContent-Length: 0\r\n\r\n`));
  t.same(
    [...headers],
    [
      ['a', '1, 2'],
      ['content-length', '0'],
    ],
  );
});

t.test('an answer completes with itself, however long the connection goes on', async (t) => {
  const open = concat(from(wholly(`${head}Content-Length: 2\r\n\r\nok`)), NEVER);
  t.equal((await lastValueFrom(open.pipe(httpAnswer()))).body.toString(), 'ok');
});

t.test('what is no answer, and what is too much of one', async (t) => {
  const most = { lineBytes: 64, headerLines: 3, bodyBytes: 100 };
  for (const [text, message] of [
    ['SSH-2.0-OpenSSH_9.2\r\n', /the first line is no status/],
    ['HTTP/2 200\r\n', /the first line is no status/],
    [`${head}no colon\r\n\r\n`, /a line is no header field/],
    [`${head}A: 1\r\n folded: 2\r\n\r\n`, /a line is no header field/],
    [`${head}A : 1\r\n\r\n`, /a line is no header field/],
    [`${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`, /its Content-Length is no number/],
    [`${head}Content-Length: +1\r\n\r\nx`, /its Content-Length is no number/],
    [`${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`, /both Transfer-Encoding and Content-Length/],
    [`${head}Transfer-Encoding: gzip, chunked\r\n\r\n`, /not just chunked/],
    [`${head}Transfer-Encoding: chunked\r\n\r\n0x5\r\n`, /the size of a chunk is no number/],
    [`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`, /a chunk is longer than its size/],
    [`${head}Transfer-Encoding: chunked\r\n\r\n64\r\n${'x'.repeat(100)}\r\n1\r\n`, /more than 100 bytes/],
    [`${head}Content-Length: 101\r\n\r\n`, /more than 100 bytes/],
    [`${head}\r\n${'x'.repeat(101)}`, /more than 100 bytes/],
    [`${head}A: ${'x'.repeat(65)}`, /more than 64 bytes/],
    [`${head}A: 1\r\nA: 2\r\nA: 3\r\nA: 4\r\n`, /more than 3 header fields/],
    ['', /the connection ended before it/],
    [`${head}Content-Length: 9\r\n\r\nhalf`, /the connection ended before it/],
  ] as const)
    for (const cut of [wholly, byteByByte])
      await t.rejects(readFrom(cut(text), most), { name: 'AnswerError', message }, text.slice(0, 80));
});
