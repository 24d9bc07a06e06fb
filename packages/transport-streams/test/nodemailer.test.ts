// A connection as Node's stream, under nodemailer, which knows nothing of rxtls.
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { createTransport } from 'nodemailer';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import t, { type Test } from 'tap';
import { credentials, dial, type Engines, engines, host, mebibyte, pattern, sha256, until } from './ends.ts';

t.setTimeout(60_000);

/** smtp-server over Node's own TLS from the first byte on; each mail is what it read. */
async function mailServer(t: Test, options: SMTPServerOptions = {}) {
  const mails: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = new SMTPServer({
    ...credentials,
    secure: true,
    logger: false,
    disableReverseLookup: true,
    onAuth: ({ username, password }, _, answer) =>
      username === 'ada' && password === 'secret' ? answer(null, { user: username }) : answer(new Error('no')),
    onData: (stream, _, answer) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        mails.push(Buffer.concat(chunks).toString('latin1'));
        answer();
      });
    },
    ...options,
  });
  server.on('error', () => undefined); // of connections that are killed here
  const listener = server.listen(0, host);
  await once(listener, 'listening');
  listener.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const kill = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  t.teardown(() => {
    kill();
    server.close();
  });
  const open = (): number => [...sockets].filter((socket) => !socket.destroyed).length;
  const stop = (): Promise<void> => new Promise((resolve) => server.close(resolve));
  return { port: (listener.address() as AddressInfo).port, mails, kill, stop, open, connections: () => connections };
}

/** nodemailer, whose sockets are ours. */
function mailer(port: number, each: Engines, options: { readonly pool?: true; readonly maxConnections?: number } = {}) {
  return createTransport({
    host: 'localhost',
    port,
    secure: true,
    auth: { user: 'ada', pass: 'secret' },
    getSocket: (_: unknown, done: (error: Error | null, socket: object) => void) =>
      done(null, { connection: toNodeDuplex(dial(port, each)), secured: true }),
    ...options,
  });
}

const envelope = { from: 'ada@client.example', to: 'charles@mail.example', subject: 'over rxtls' };

/** The attachment, as a mail program would read it. */
function attachmentOf(mail: string): Buffer {
  const [, boundary = ''] = /boundary="([^"]+)"/.exec(mail) ?? [];
  const part = mail.split(`--${boundary}`).find((each) => each.includes('Content-Disposition: attachment')) ?? '';
  return Buffer.from(part.slice(part.indexOf('\r\n\r\n') + 4), 'base64');
}

for (const [name, each] of Object.entries(engines)) {
  t.test(`${name}: nodemailer sends a mail with an attachment of 5 MiB`, async (t) => {
    const server = await mailServer(t);
    const transport = mailer(server.port, each);
    const content = pattern(5 * mebibyte);
    const sent = await transport.sendMail({
      ...envelope,
      text: '.\n.dots\n',
      attachments: [{ filename: 'pattern.bin', content }],
    });
    t.match(sent.response, /^250 /);
    t.equal(server.mails.length, 1);
    const got = attachmentOf(server.mails[0]!);
    t.equal(got.length, content.length);
    t.equal(sha256(got), sha256(content));
    t.match(server.mails[0], /\r\n\r\n\.\r\n\.dots\r\n/);
    await until(() => server.open() === 0, 'the end of the connection');
  });

  t.test(`${name}: a pool of nodemailer’s, 20 mails over 2 connections`, async (t) => {
    const server = await mailServer(t);
    const transport = mailer(server.port, each, { pool: true, maxConnections: 2 });
    const texts = Array.from({ length: 20 }, (_, n) => `mail ${n}, ${'x'.repeat(n * 100)}!`);
    await Promise.all(texts.map((text) => transport.sendMail({ ...envelope, text })));
    for (const text of texts)
      t.equal(server.mails.filter((mail) => mail.replaceAll('=\r\n', '').includes(text)).length, 1);
    t.equal(server.connections(), 2);
    transport.close();
    await until(() => server.open() === 0, 'the end of the connections');
  });

  t.test(`${name}: a server that is killed in the middle of a mail, or has gone: nodemailer’s own error`, async (t) => {
    const server = await mailServer(t, { onData: (stream) => stream.once('data', () => server.kill()) });
    const transport = mailer(server.port, each);
    const attachments = [{ filename: 'pattern.bin', content: pattern(5 * mebibyte) }];
    await t.rejects(transport.sendMail({ ...envelope, attachments }), { code: /^(ESOCKET|ECONNECTION)$/ });
    const gone = await mailServer(t);
    await gone.stop();
    const error = await mailer(gone.port, each)
      .sendMail(envelope)
      .catch((cause: unknown) => cause);
    t.match(error, { code: /^(ESOCKET|ECONNECTION)$/, message: /ECONNREFUSED/ });
    await until(() => server.open() === 0, 'the end of the connection');
  });
}
