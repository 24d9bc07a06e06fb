import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { testPki } from '@rxtls/testing';
import t, { type Test } from 'tap';
import { readArguments } from '../../examples/01-first-connection/arguments.ts';
import { type Outcome, runExample, sha256 } from './run-example.ts';
import { echo, listening, type Peer, tlsPeer } from './tls-peers.ts';

const pki = await testPki();
const files = t.testdir({ 'ca.pem': pki.authorityPem, 'not.pem': 'nothing of the kind\n' });
const ca = join(files, 'ca.pem');
const run = (args: readonly string[], input?: Uint8Array | string, options: { hangsUp?: boolean } = {}) =>
  runExample('01-first-connection', args, input, options);
const trusting = (peer: Peer, ...more: string[]): string[] =>
  ['--connect', peer.at, '--ca', ca, '--server-name', 'server.test'].concat(more);
t.jobs = 3;

/** One line that begins so, the only `error:` and the last of stderr, and no trace of a stack. */
function failed(t: Test, outcome: Outcome, code: number, message: RegExp): void {
  const { stderr } = outcome;
  const lines = stderr.trimEnd().split('\n');
  t.equal(outcome.code, code, stderr);
  t.match(lines.at(-1), message);
  t.equal(lines.filter((line) => line.startsWith('error: ')).length, 1, 'one line says what is wrong');
  t.notMatch(stderr + outcome.stdout, /^\s+at |node:internal|file:\/\//m, 'no stack trace');
  t.equal(stderr.includes('\u001B'), false, 'no colour in a pipe');
}

/** Where each comes for the first time after the one before; -1 when it does not. */
function inOrder(text: string, parts: readonly (string | RegExp)[]): { readonly missing: string | undefined } {
  let at = 0;
  for (const part of parts) {
    const found = text.slice(at).search(typeof part === 'string' ? part.replaceAll(/[#()+]/g, String.raw`\$&`) : part);
    if (found < 0) return { missing: String(part) };
    at += found + 1;
  }
  return { missing: undefined };
}

t.test('the demonstration shows the connection as it happens, and its end', async (t) => {
  const { code, stdout, stderr, milliseconds } = await run([]);
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  t.ok(milliseconds < 15_000, `${Math.round(milliseconds)} ms`);
  const handshakeDone = 'TLSv1.3: the handshake is done';
  for (const parts of [
    ['#1 queued', '#2 queued', '#3 queued', handshakeDone, '#1 sealed', '#2 sealed', '#3 sealed', 'closed by both'],
    ['#1 sealed', '#1 flushed', '#2 flushed', '#3 flushed'],
    [/#1 "hello"/, /#2 "cheers"/, /#3 "bye"/, handshakeDone, '← "hello to you"', '← "cheers to you"', '← "goodbye!"'],
    ['WANT_READ handshake', handshakeDone, 'READY', 'WANT_WRITE closing'],
    [/→ handshake \d+/, /← handshake \d+/, /← application_data \d+/, handshakeDone, /→ application_data \d+/],
    ['← close_notify', 'closed by both sides', 'marble diagram', 'negotiated', 'ledger'],
    [handshakeDone, '→ close_notify', 'closed by both sides'],
    ['version +TLSv1.3', 'cipher suite +TLS_', 'ALPN +small-talk', 'verification +passed'].map((row) => RegExp(row)),
    ['ledger', /accepted 17 = flushed 17 \+ lost 0 \+ outstanding 0/, /sealed 17, refused 0/],
  ])
    t.match(inOrder(stdout, parts), { missing: undefined });
  t.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 100, 'no line is longer than 100 characters');
  t.notOk(stdout.includes('\u001B'), 'no colour in a pipe');
  t.match(stdout, /^acks queued {5}-.*1.*2.*3/m);
});

t.test('--engine forge shows the same conversation over the legacy engine, and says what it is', async (t) => {
  const { code, stdout, stderr } = await run(['--engine', 'forge']);
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  t.match(stdout, /^LEGACY ENGINE: forge speaks TLS 1\.0 and 1\.1, .*RFC 8996$/m);
  for (const parts of [
    [
      'LEGACY ENGINE',
      '#1 queued',
      '#2 queued',
      '#3 queued',
      'TLSv1.1: the handshake is done',
      '#1 sealed',
      '#3 flushed',
    ],
    [/#1 "hello"/, /#2 "cheers"/, /#3 "bye"/, 'TLSv1.1: the handshake is done', '← "hello to you"'],
    ['← close_notify', 'closed by both sides', /version +TLSv1\.1/, 'TLS_RSA_WITH_AES_128_CBC_SHA', /ALPN +none/],
    [/certificate +rsa 2048/, /verification +passed/, /accepted 17 = flushed 17 \+ lost 0 \+ outstanding 0/],
  ])
    t.match(inOrder(stdout, parts), { missing: undefined });
  t.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 100, 'no line is longer than 100 characters');
});

t.test('--engine tls13 shows the same conversation over our own TLS 1.3', async (t) => {
  const { code, stdout, stderr } = await run(['--engine', 'tls13']);
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  t.notMatch(stdout, /LEGACY/);
  for (const parts of [
    ['#1 queued', '#2 queued', '#3 queued', 'TLSv1.3: the handshake is done', '#1 sealed', '#3 flushed'],
    ['session ticket', '← "hello to you"', '← close_notify', 'closed by both sides', /version +TLSv1\.3/],
    [/ALPN +small-talk/, /verification +passed/, /accepted 17 = flushed 17 \+ lost 0 \+ outstanding 0/],
  ])
    t.match(inOrder(stdout, parts), { missing: undefined });
});

t.test('--engine node is what there is without it, and has no warning', async (t) => {
  const { code, stdout } = await run(['--engine', 'node']);
  t.equal(code, 0);
  t.match(stdout, /version +TLSv1\.3/);
  t.notMatch(stdout, /LEGACY/);
});

t.test('--engine forge and an old server elsewhere', async (t) => {
  const rsa = await testPki({ keys: 'rsa' });
  const authority = join(t.testdir({ 'rsa.pem': rsa.authorityPem }), 'rsa.pem');
  const old = { minVersion: 'TLSv1.1', ciphers: 'AES128-SHA:@SECLEVEL=0' } as const;
  const peer = await tlsPeer(await rsa.leaf('rsa'), echo, old);
  t.teardown(() => peer.close());
  const args = ['--connect', peer.at, '--engine', 'forge', '--ca', authority, '--wait', '200', '--send', 'hello'];
  const { code, stdout, stderr } = await run([...args, '--server-name', 'server.test']);
  t.equal(code, 0, stderr);
  t.equal(stdout, 'hello');
  t.match(stderr, /^LEGACY ENGINE/);
  t.match(stderr, /version +TLSv1\.1/);
  failed(t, await run([...args, '--server-name', 'other.test']), 4, /\(wrong-name\)$/);
  const modern = await tlsPeer(await rsa.leaf('rsa'), echo);
  t.teardown(() => modern.close());
  failed(t, await run(args.map((each) => (each === peer.at ? modern.at : each))), 5, /^error: connection failed: /);
});

for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
  const only = { minVersion: version, maxVersion: version };

  t.test(`--send and --alpn to a ${version} server that answers and closes`, async (t) => {
    const answer = (socket: TLSSocket) =>
      socket.once('data', (bytes) => socket.end(`${socket.alpnProtocol} ${socket.servername}: ${bytes.toString()}`));
    const peer = await tlsPeer(await pki.leaf('ecdsa'), answer, { ...only, ALPNProtocols: ['two', 'one'] });
    t.teardown(() => peer.close());
    const { code, stdout, stderr } = await run(trusting(peer, '--send', 's3cret', '--alpn', 'one,two'));
    t.equal(code, 0, stderr);
    t.equal(stdout, 'two server.test: s3cret', 'plaintext alone is on stdout');
    t.match(stderr, /version {6}TLSv1\.[23]/);
    t.match(stderr, new RegExp(`version +${version}`));
    t.match(stderr, /ALPN +two/);
    t.match(stderr, /close_notify/);
    t.match(stderr, /accepted 6 = flushed 6 \+ lost 0 \+ outstanding 0/);
    t.notMatch(stderr, /s3cret|PRIVATE/, 'what is written is not in the log');
  });

  t.test(`--stdin carries 1 MiB to a ${version} server and back`, async (t) => {
    const peer = await tlsPeer(await pki.leaf('rsa'), echo, only);
    t.teardown(() => peer.close());
    const bytes = Buffer.alloc(2 ** 20, 'every byte counts, ');
    const { code, hash, stderr } = await run(trusting(peer, '--stdin', '--wait', '200'), bytes);
    t.equal(code, 0, stderr);
    t.equal(hash, sha256(bytes));
    t.match(stderr, /accepted 1048576 = flushed 1048576 \+ lost 0/);
    t.ok(stderr.split('\n').length < 400, 'a long transfer is summed up');
  });
}

t.test('--quiet, a server on [::1], and one that speaks first', async (t) => {
  const greet = (socket: TLSSocket) => {
    socket.write('220 ready\r\n');
    socket.on('end', () => socket.end());
  };
  const peer = await tlsPeer(await pki.leaf('ip'), greet, { host: '::1' });
  t.teardown(() => peer.close());
  const outcome = await run(['--connect', peer.at, '--ca', ca, '--wait', '200', '--quiet']);
  t.match(outcome, { code: 0, stdout: '220 ready\r\n', stderr: '' });
});

t.test('a certificate that does not hold is refused: 4', async (t) => {
  for (const [leaf, message] of [
    ['untrusted', /^error: certificate refused: .*\(unknown-authority\); --ca FILE says whom to trust$/],
    ['wrong-name', /^error: certificate refused: .*server\.test \(wrong-name\)$/],
    ['expired', /^error: certificate refused: .*\(expired\)$/],
  ] as const) {
    const peer = await tlsPeer(await pki.leaf(leaf), echo);
    failed(t, await run(trusting(peer, '--send', 'not for you')), 4, message);
    peer.close();
  }
  const peer = await tlsPeer(await pki.leaf('ecdsa'), echo);
  failed(
    t,
    await run(['--connect', `localhost:${peer.port}`]),
    4,
    /\(unknown-authority\); --ca FILE says whom to trust$/,
  );
  peer.close();
});

t.test('a connection that is cut is no clean end: 5', async (t) => {
  const cut = (socket: TLSSocket) => {
    socket.once('data', () => {
      socket.write('half an answ');
      setTimeout(() => socket.destroy(), 100);
    });
  };
  const peer = await tlsPeer(await pki.leaf('ecdsa'), cut);
  const outcome = await run(trusting(peer, '--send', 'hello', '--wait', '5000'));
  failed(t, outcome, 5, /^error: connection failed: .*\(TruncationError\)$/);
  t.equal(outcome.stdout, 'half an answ', 'what came is shown');
  peer.close();
});

t.test('an upload that the server does not take to its end: 5', async (t) => {
  const bytes = Buffer.alloc(8 * 2 ** 20, 'too much, ');
  const cut = await tlsPeer(await pki.leaf('ecdsa'), (socket) => socket.once('data', () => socket.destroy()));
  const outcome = await run(trusting(cut, '--stdin'), bytes);
  failed(t, outcome, 5, /^error: connection failed: /);
  const [, accepted, flushed, lost] =
    /accepted (\d+) = flushed (\d+) \+ lost (\d+) \+ outstanding 0/.exec(outcome.stderr) ?? [];
  t.equal(Number(accepted), Number(flushed) + Number(lost), 'the ledger is balanced');
  cut.close();
  const enough = (socket: TLSSocket) => {
    socket.once('data', () => socket.end('enough'));
    setTimeout(() => socket.resume(), 500);
  };
  const short = await tlsPeer(await pki.leaf('ecdsa'), enough);
  failed(t, await run(trusting(short, '--stdin'), bytes), 5, /^error: connection failed: the server closed before/);
  short.close();
});

t.test('what is not TLS, or hangs up: 5', async (t) => {
  const http = await listening(createHttpServer());
  failed(t, await run(trusting(http)), 5, /^error: connection failed: .*\(NotTlsError\)$/);
  http.close();
  const silent = await listening(createTcpServer((socket) => socket.on('error', () => undefined).end()));
  failed(t, await run(trusting(silent)), 5, /^error: connection failed: /);
  silent.close();
  const reset = await listening(
    createTcpServer((socket) => socket.on('error', () => undefined).once('data', () => socket.resetAndDestroy())),
  );
  failed(t, await run(trusting(reset)), 5, /^error: connection failed: .*ECONNRESET/);
  reset.close();
  const old = await tlsPeer(await pki.leaf('ecdsa'), echo, { ALPNProtocols: ['one'] });
  failed(t, await run(trusting(old, '--alpn', 'two')), 5, /^error: connection failed: .*no_application_protocol/);
  old.close();
});

for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
  t.test(`a ${maxVersion} server that never closes its side is not waited for without end: 5`, async (t) => {
    const deaf = (socket: TLSSocket): void => void socket.resume().write('hello');
    const peer = await tlsPeer(await pki.leaf('ecdsa'), deaf, { allowHalfOpen: true, maxVersion });
    t.teardown(() => peer.close());
    const outcome = await run(trusting(peer, '--wait', '100', '--send', 'hello'));
    failed(t, outcome, 5, /^error: connection failed: .*(did not close within|no progress for) 5000 ms/);
    t.equal(outcome.stdout, 'hello');
  });

t.test('an error is the end: a peer that keeps its side open is not waited for', async (t) => {
  const open = await listening(
    createTcpServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined).resume();
      socket.write(Uint8Array.of(21, 3, 3, 0, 2, 2, 40)); // a fatal handshake_failure, and nothing after it
    }),
  );
  const outcome = await run(trusting(open));
  failed(t, outcome, 5, /^error: connection failed: .*handshake_failure/);
  t.ok(outcome.lingered < 4_000, `over ${Math.round(outcome.lingered)} ms later`);
  open.close();
});

t.test('where nobody listens: 3', async (t) => {
  const gone = await listening(createTcpServer());
  gone.close();
  const outcome = await run(['--connect', gone.at, '--send', 'hello']);
  failed(t, outcome, 3, /^error: cannot connect to 127\.0\.0\.1:\d+: connection refused \(ECONNREFUSED\)$/);
  t.equal(outcome.stderr.split('\n').length, 2, 'nothing but that line');
  failed(t, await run(['--connect', 'nobody.invalid:443']), 3, /^error: cannot connect to nobody\.invalid:443: /);
});

t.test('wrong arguments: 2', async (t) => {
  for (const [args, message] of [
    [['--conect', 'a:1'], /^error: Unknown option '--conect'/],
    [['--engine', 'nope'], /^error: --engine "nope": there is no such engine; there are node, tls13, forge/],
    [['--connect', 'a:1', '--engine', 'forge'], /^error: --engine forge knows no authorities .* needs --ca FILE/],
    [['--connect', 'a:1', '--ca', join(files, 'absent.pem')], /^error: --ca ".*absent\.pem": no such file/],
    [['--connect', 'a:1', '--ca', join(files, 'not.pem')], /^error: --ca FILE holds no certificate/],
    [['--connect', 'a:1', '--server-name', 'a b'], /^error: --server-name must be/],
  ] as const) {
    const outcome = await run(args);
    failed(t, outcome, 2, message);
    t.equal(outcome.stderr.split('\n').length, 2, 'nothing but that line');
    t.equal(outcome.stdout, '');
  }
});

t.test('arguments, read in this process', async (t) => {
  for (const [args, message] of [
    [['stray'], /^Unexpected argument 'stray'/],
    [['--connect'], /argument missing/],
    [['--connect', '--ca', 'x'], /^--connect needs a value; one that begins with a dash is written --connect=VALUE$/],
    [
      ['--connect', 'a:1', '--wait', '-5'],
      /^--wait needs a value; one that begins with a dash is written --wait=VALUE$/,
    ],
    [['--connect', 'a:1', '--wait=-5'], /^--wait "-5": a whole number of milliseconds from 1 to/],
    [['--engine', 'nope'], /^--engine "nope": there is no such engine; there are node, tls13, forge$/],
    [['--engine', 'toString'], /there is no such engine/],
    [['--connect', 'a:1', '--engine', 'forge', '--alpn', 'h2'], /^--alpn: the engine forge has none$/],
    [['--connect', 'host'], /HOST:PORT is wanted/],
    [['--connect', ':443'], /HOST:PORT is wanted/],
    [['--connect', 'a b:443'], /HOST:PORT is wanted/],
    [['--connect', 'host:https'], /HOST:PORT is wanted/],
    [['--connect', 'host:0'], /from 1 to 65535/],
    [['--connect', 'host:65536'], /from 1 to 65535/],
    [['--connect', '::1:443'], /stands in brackets/],
    [['--connect', '[host]:443'], /brackets hold an IPv6 address/],
    [['--connect', 'a:1', '--connect', 'b:1'], /--connect is given more than once/],
    [['--connect', 'a:1', '--send', 'x', '--stdin'], /exclude each other/],
    [['--connect', 'a:1', '--alpn', 'h2,'], /--alpn: the name/],
    [['--connect', 'a:1', '--wait', 'long'], /--wait "long"/],
    [['--send', 'x'], /--send needs --connect/],
  ] as const) {
    t.throws(() => readArguments(args), { name: 'UsageError', message }, args.join(' '));
    t.throws(() => readArguments(args), { message: /^[^\n]*$/ });
  }
  const { connect, alpn, wait } = readArguments([
    '--connect',
    '[2001:db8::1]:443',
    '--alpn',
    'h2,http/1.1',
    '--alpn',
    'x',
  ]);
  t.same(connect, { host: '2001:db8::1', port: 443 });
  t.same(alpn, ['h2', 'http/1.1', 'x']);
  t.equal(wait, 1_000);
});

t.test('whoever reads our output may leave', async (t) => {
  const outcome = await run([], undefined, { hangsUp: true });
  t.match(outcome, { code: 0, stderr: '' }, 'of the timeline');
  const peer = await tlsPeer(await pki.leaf('ecdsa'), echo);
  t.teardown(() => peer.close());
  const piped = await run(trusting(peer, '--stdin'), Buffer.alloc(2 ** 22), { hangsUp: true });
  failed(t, piped, 1, /^error: cannot write the plaintext: .*EPIPE/);
});

t.test('--help', async (t) => {
  const { code, stdout, stderr } = await run(['--help']);
  t.equal(code, 0);
  t.match(stdout, /--connect HOST:PORT/);
  t.match(stdout, /Exit codes: 0 /);
  t.equal(stderr, '');
});
