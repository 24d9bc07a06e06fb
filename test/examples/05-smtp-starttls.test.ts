// The example against its own server, another smtp-server, postfix, and servers that fail it in every way.
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { testPki } from '@rxtls/testing';
import { lastValueFrom, of, toArray } from 'rxjs';
import t, { type Test } from 'tap';
import { readArguments } from '../../examples/05-smtp-starttls/arguments.ts';
import { dotStuffed } from '../../examples/05-smtp-starttls/dot-stuffed.ts';
import { smtpReplies } from '../../examples/05-smtp-starttls/smtp-replies.ts';
import { postfix, postfixMissing } from './postfix.ts';
import { type Outcome, runExample, sha256 } from './run-example.ts';

t.setTimeout(120_000);

const pki = await testPki();
const leaf = await pki.leaf('ecdsa');
const folder = t.testdir({});
const ca = join(folder, 'authority.pem');
writeFileSync(ca, pki.authorityPem);

const run = (
  args: readonly string[] = [],
  input?: string | Uint8Array,
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> => runExample('05-smtp-starttls', args, input, { env });
const to = (port: number, ...more: readonly string[]): readonly string[] => {
  const addresses = ['--from', 'ada@client.example', '--to', 'charles@mail.example'];
  return ['--connect', `localhost:${port}`, '--ca', ca, ...addresses, ...more];
};
const fails = (t: Test, { code, stderr }: Outcome, line: RegExp): void => {
  t.equal(code, 1, stderr);
  t.match(stderr, line);
  t.match(stderr, /^error: [^\n]*\n$/, 'one line');
};

/** An smtp-server; each mail it took is its bytes. */
async function mailServer(t: Test, options: SMTPServerOptions = {}) {
  const mails: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = new SMTPServer({
    cert: leaf.certificatePem,
    key: leaf.keyPem,
    logger: false,
    authOptional: true,
    disableReverseLookup: true,
    onData: (stream, _, answer) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks));
        answer();
      });
    },
    ...options,
  });
  server.on('error', () => undefined); // of connections that are killed here, or refused by the client
  const listener = server.listen(0, '127.0.0.1');
  listener.on('connection', (socket: Socket) => sockets.add(socket));
  await once(listener, 'listening');
  const kill = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  t.teardown(() => {
    kill();
    server.close();
  });
  return { port: (listener.address() as AddressInfo).port, mails, kill };
}

/** Speaks SMTP in the clear as the test says: one answer for each line. */
async function clearServer(t: Test, greeting: string, answer: (line: string, socket: Socket) => string) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // cut by the client
    socket.write(greeting);
    socket.on('data', (bytes) => socket.write(answer(bytes.toString().trim(), socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

t.test('to its own server: a mail over TLS, with what begins with a dot', async (t) => {
  const { code, stdout, stderr } = await run();
  t.equal(code, 0, stderr);
  t.equal(stderr, '');
  t.match(
    stdout.replaceAll(/^server {4}250 (?!Accepted|OK).*\n/gm, ''),
    new RegExp(
      [
        /^secured {3}TLSv1\.3 TLS_\w+, the certificate verified/,
        /client {4}EHLO client\.example/,
        /client {4}AUTH PLAIN …/,
        /server {4}235 [^\n]*/,
        /client {4}MAIL FROM:<ada@client\.example> BODY=8BITMIME/,
        /server {4}250 Accepted/,
        /client {4}RCPT TO:<charles@mail\.example>/,
        /server {4}250 Accepted/,
        /client {4}DATA/,
        /server {4}354 [^\n]*/,
        /client {4}the mail/,
        /server {4}250 OK: the mail is here/,
        /client {4}QUIT/,
        /server {4}221 [^\n]*/,
        /\nwhat the server has:\n/,
        /From: <ada@client\.example>/,
      ]
        .map(({ source }) => source)
        .join('\n'),
    ),
  );
  t.match(stdout, /\n\.hidden\n\.\nthey have to arrive as they are\.\n/);
});

t.test('2 MiB of text from stdin, most of it dots and odd line ends', async (t) => {
  const { port, mails } = await mailServer(t);
  const text = Buffer.from('.\n..\r\n.hidden\r.é\n\n'.repeat(2 ** 21 / 18));
  const { code, stderr } = await run(to(port, '--stdin'), text);
  t.equal(code, 0, stderr);
  t.equal(mails.length, 1);
  const body = mails[0]!.subarray(mails[0]!.indexOf('\r\n\r\n') + 4);
  const wanted = Buffer.from(text.toString('latin1').replace(/\r\n?|\n/g, '\r\n'), 'latin1');
  t.equal(body.length, wanted.length);
  t.equal(sha256(body), sha256(wanted));
});

t.test('a login: the right one, a wrong one, and neither is shown', async (t) => {
  const { port, mails } = await mailServer(t, {
    authOptional: false,
    onAuth: ({ username, password }, _, answer) =>
      username === 'ada' && password === 'sécret' ? answer(null, { user: 'ada' }) : answer(new Error('no')),
  });
  const right = await run(to(port, '--user', 'ada'), undefined, { SMTP_PASSWORD: 'sécret' });
  t.equal(right.code, 0, right.stderr);
  t.equal(mails.length, 1);
  const wrong = await run(to(port, '--user', 'ada'), undefined, { SMTP_PASSWORD: 'another' });
  fails(t, wrong, /the server refused AUTH PLAIN …: 535 .*\(SmtpRefusedError\)\n$/);
  fails(t, await run(to(port)), /the server refused MAIL FROM:<.*>.*: 530 .*\(SmtpRefusedError\)\n$/);
  for (const { stdout, stderr } of [right, wrong])
    for (const secret of ['sécret', 'another', ...['sécret', 'another'].map((each) => base64(`\0ada\0${each}`))])
      t.notOk((stdout + stderr).includes(secret));
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

t.test('a recipient that is refused: 550, and a goodbye', async (t) => {
  const { port, mails } = await mailServer(t, {
    onRcptTo: (_, __, answer) => answer(Object.assign(new Error('nobody here'), { responseCode: 550 })),
  });
  const outcome = await run(to(port));
  fails(t, outcome, /the server refused RCPT TO:<charles@mail\.example>: 550 nobody here \(SmtpRefusedError\)\n$/);
  t.match(outcome.stdout, /client {4}QUIT\nserver {4}221 /);
  t.same(mails, []);
});

t.test('STARTTLS that is not offered, or refused, sends nothing', async (t) => {
  const plain = await mailServer(t, { disabledCommands: ['STARTTLS'] });
  const outcome = await run(to(plain.port));
  fails(t, outcome, /does not offer STARTTLS \(PeerIncompatibleError\)\n$/);
  t.equal(outcome.stdout, '');
  const port = await clearServer(t, '220 mx\r\n', (line) =>
    line.startsWith('EHLO') ? '250-mx\r\n250 STARTTLS\r\n' : '454 not now\r\n',
  );
  fails(t, await run(to(port)), /refused STARTTLS \(454\) \(PeerIncompatibleError\)\n$/);
  const injected = await clearServer(t, '220 mx\r\n', (line) =>
    line.startsWith('EHLO') ? '250-mx\r\n250 STARTTLS\r\n' : '220 go\r\n250 injected\r\n',
  );
  fails(t, await run(to(injected)), /\(PeerMisbehavedError\)\n$/);
});

t.test('a certificate of another authority, or for another name', async (t) => {
  const { port, mails } = await mailServer(t);
  const [host, addresses] = [
    ['--connect', `localhost:${port}`],
    ['--from', 'a@b.example', '--to', 'c@d.example'],
  ];
  fails(t, await run([...host, ...addresses]), /\(CertificateError\)\n$/);
  fails(t, await run(to(port, '--server-name', 'other.example')), /other\.example.*\(CertificateError\)\n$/);
  t.same(mails, []);
});

t.test('nobody listens', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  fails(t, await run(to(port)), /ECONNREFUSED.*\(AbortedError\)\n$/);
});

t.test('a server that is killed in the middle of the mail, or stops to listen there', async (t) => {
  const text = Buffer.alloc(2 ** 25, 'a long mail\n'); // more than all buffers on the way hold
  const dying = await mailServer(t, { onData: (stream) => stream.once('data', () => dying.kill()) });
  const killed = await run(to(dying.port, '--stdin'), text);
  fails(t, killed, /\((WriteLostError|TruncationError|AbortedError)\)\n$/);
  const deaf = await mailServer(t, { onData: () => undefined });
  const outcome = await run(to(deaf.port, '--stdin', '--timeout', '700'), text);
  fails(t, outcome, /the server was silent for 700 ms after the mail \(SmtpUnansweredError\)\n$/);
  t.ok(outcome.milliseconds < 20_000, `after ${outcome.milliseconds} ms`);
});

/** Begins TLS at STARTTLS, and then speaks as the test says: one answer for each chunk, 'close' for a clean end. */
function brokenServer(t: Test, answer: (words: string) => string | undefined): Promise<number> {
  const begin = (socket: Socket): void => {
    const secured = new TLSSocket(socket, { isServer: true, cert: leaf.certificatePem, key: leaf.keyPem });
    secured.on('error', () => undefined); // cut by the client
    secured.on('data', (bytes) => {
      const words = answer(bytes.toString());
      if (words === 'close') secured.end();
      else if (words !== undefined) secured.write(words);
    });
  };
  return clearServer(t, '220 mx\r\n', (line, socket) => {
    if (line.startsWith('EHLO')) return '250-mx\r\n250 STARTTLS\r\n';
    socket.removeAllListeners('data');
    setImmediate(() => begin(socket));
    return '220 go\r\n';
  });
}

t.test('over TLS: an answer in the middle of the mail, none, and what is no answer', async (t) => {
  const text = Buffer.alloc(2 ** 24, 'a long mail\n');
  const full = await brokenServer(t, (words) => {
    if (/^(EHLO|MAIL|RCPT)/.test(words)) return '250 fine\r\n';
    return words.startsWith('DATA') ? '354 go on\r\n' : words.startsWith('From') ? '552 too much\r\n' : undefined;
  });
  const refused = await run(to(full, '--stdin'), text);
  fails(t, refused, /the server refused the rest of the mail: 552 too much \(SmtpRefusedError\)\n$/);
  t.notMatch(refused.stdout, /QUIT/, 'it would be taken for text');
  const leaving = await brokenServer(t, () => 'close');
  fails(t, await run(to(leaving)), /the server closed after EHLO client\.example \(SmtpUnansweredError\)\n$/);
  const babbling = await brokenServer(t, () => 'HTTP/1.1 200 OK\r\n');
  fails(t, await run(to(babbling)), /a line is no reply \(SmtpProtocolError\)\n$/);
});

t.test('wrong arguments: 2, and one line', async (t) => {
  const { code, stdout, stderr } = await run(to(1, '--timeout', 'soon'));
  t.match({ code, stdout }, { code: 2, stdout: '' });
  t.match(stderr, /^error: --timeout "soon": [^\n]*\n$/);
  t.match(await run(['stray']), { code: 2, stdout: '', stderr: /^error: Unexpected argument 'stray'[^\n]*\n$/ });
  t.match(await run(['--help']), { code: 0, stdout: /--connect HOST:PORT/, stderr: '' });
});

t.test('an address that could be a second command is refused', async (t) => {
  const args = (from: string, to = 'a@b.example'): readonly string[] => [
    '--connect',
    '127.0.0.1:1',
    `--from=${from}`,
    `--to=${to}`,
  ];
  const bad = [
    ['a@b.example>\r\nRSET', 'a@b.example\n', '\ra@b.example', 'a b@c.example', '<a@b.example>', 'a', '@', 'a@'],
    ['é@b.example', 'a@b.exämple', 'a@b\0c', `${'a'.repeat(65)}@b`, `a@${'b'.repeat(254)}`, '"a b"@c.example', ''],
  ];
  for (const each of bad.flat()) {
    t.throws(() => readArguments(args(each), {}), { name: 'UsageError', message: /^--from [^\r\n]*$/ }, each);
    t.throws(() => readArguments(args('a@b.example', each), {}), { name: 'UsageError', message: /^--to [^\r\n]*$/ });
  }
  t.match(readArguments(args("o'neil+lists@b-c.example"), {}), { from: "o'neil+lists@b-c.example", login: undefined });
  t.throws(() => readArguments([...args('a@b.example'), '--user', 'ada'], {}), { message: /SMTP_PASSWORD/ });
  t.throws(() => readArguments(['--ca', 'x'], {}), { message: /--ca needs --connect/ });
  t.throws(() => readArguments(['--connect', 'a:1'], {}), { message: /needs --from ADDRESS and --to/ });
});

t.test('dot-stuffing does not depend on the chunks', async (t) => {
  const stuffed = async (chunks: readonly string[]): Promise<string> => {
    let all = '';
    const source = (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk, 'latin1');
    })();
    for await (const bytes of dotStuffed(source)) all += Buffer.from(bytes).toString('latin1');
    return all;
  };
  const text = '.\r\n..a\n\r.\r\r\n.b\n.';
  const wanted = '..\r\n...a\r\n\r\n..\r\n\r\n..b\r\n..\r\n.\r\n';
  t.equal(await stuffed([text]), wanted);
  t.equal(await stuffed(text.split('')), wanted);
  for (let at = 0; at <= text.length; at++)
    t.equal(await stuffed([text.slice(0, at), '', text.slice(at)]), wanted, `cut at ${at}`);
  t.equal(await stuffed([]), '.\r\n');
  t.equal(await stuffed(['a\r\n']), 'a\r\n.\r\n');
});

t.test('replies do not depend on the chunks, and are bounded', async (t) => {
  const read = (...chunks: readonly string[]) =>
    lastValueFrom(of(...chunks.map((chunk) => Buffer.from(chunk, 'latin1'))).pipe(smtpReplies(), toArray()));
  const text = '250-one\r\n250 two\r\n221\n';
  const wanted = [
    { code: 250, lines: ['one', 'two'] },
    { code: 221, lines: [''] },
  ];
  t.same(await read(text), wanted);
  t.same(await read(...text.split('')), wanted);
  t.same(await read('250 a\u001b[31mb\r\n'), [{ code: 250, lines: ['a?[31mb'] }], 'nothing that a terminal obeys');
  for (const bad of ['hello\r\n', '999 x\r\n', '2500 x\r\n', `250 ${'x'.repeat(3_000)}`, '250-x\n'.repeat(101)])
    await t.rejects(read(bad), { name: 'SmtpProtocolError' });
});

t.test(
  'postfix takes a mail and delivers it',
  postfixMissing === undefined ? {} : { skip: postfixMissing },
  async (t) => {
    const server = await postfix(t, 'charles@mail.example', leaf);
    const text = '.\n.hidden\nthe end\n';
    const { code, stdout, stderr } = await run(to(server.port, '--stdin'), text);
    t.equal(code, 0, stderr);
    t.match(stdout, /^secured {3}TLSv1\.3 /);
    t.match(
      stdout,
      /client {4}the mail\nserver {4}250 2\.0\.0 Ok: queued as \w+\nclient {4}QUIT\nserver {4}221 2\.0\.0 Bye\n$/,
    );
    const inbox = await server.inbox();
    t.match(inbox, /^From ada@client\.example /);
    t.match(inbox, /\nSubject: By STARTTLS\n/);
    t.ok(inbox.endsWith(`\n\n${text}\n`), 'dots and all');
    const stranger = [
      '--connect',
      `localhost:${server.port}`,
      '--ca',
      ca,
      '--from',
      'a@b.example',
      '--to',
      'no@mail.example',
    ];
    const refused = await run(stranger);
    fails(t, refused, /the server refused RCPT TO:<no@mail\.example>: 550 5\.1\.1 .*\(SmtpRefusedError\)\n$/);
    t.match(refused.stdout, /client {4}QUIT\nserver {4}221 /);
  },
);
