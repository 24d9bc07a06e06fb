// One connection's trouble is its own.
import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import { open, secure, type TlsConnection, type TlsError } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { config, NEVER } from 'rxjs';
import t, { type Test } from 'tap';
import {
  clientEngine,
  completed,
  credentials,
  dial,
  hexLines,
  host,
  mebibyte,
  only,
  pki,
  Reading,
  serve,
  serverEngine,
  sleep,
  versions,
} from './ends.ts';
import { hash } from './our-client.ts';

const plain = (t: Test, port: number, options: tls.ConnectionOptions = {}): tls.TLSSocket => {
  const socket = tls.connect({ host, port, servername: 'localhost', ca: pki.authorityPem, ...options });
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  return socket;
};

/** Sends, reads the same back, says goodbye. Gives what came. */
async function echoed(socket: tls.TLSSocket, bytes: Buffer): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const back = new Promise<void>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= bytes.length) resolve();
    });
    socket.on('close', () => resolve());
  });
  socket.write(bytes.subarray(0, 1_000));
  await sleep(50);
  socket.write(bytes.subarray(1_000));
  await back;
  socket.end();
  return Buffer.concat(chunks);
}

for (const version of versions)
  t.test(
    `A3/D2 (node): ${version}: a server of 100 connections goes on while seven of them are in trouble`,
    async (t) => {
      const unhandled: unknown[] = [];
      const before = config.onUnhandledError;
      config.onUnhandledError = (error) => void unhandled.push(error);
      t.teardown(() => {
        config.onUnhandledError = before;
      });
      let observerThrew = 0;
      const engine = await serverEngine('ecdsa', {
        ...only(version),
        verify: ({ serverName }) => {
          if (serverName === 'verify.test') throw new Error('verify threw');
          return true;
        },
      });
      const echo = (connection: TlsConnection) => {
        if (connection.negotiated.serverName === 'project.test') throw new Error('the projection threw');
        if (connection.negotiated.serverName !== 'reader.test') return connection.writeFrom(connection.source);
        connection.plaintext.subscribe(() => {
          throw new Error('the reader threw');
        });
        return NEVER;
      };
      const server = await serve(
        t,
        engine,
        {
          limits: { clientHelloTimeout: 1_500 },
          observe: {
            events: {
              next: (event) => {
                if (event.type !== 'handshake' || event.step !== 'negotiated' || observerThrew++ !== 50) return;
                throw new Error('the observer threw');
              },
            },
          },
        },
        echo,
      );
      const trust = { ca: pki.authorityPem, checkServerIdentity: () => undefined };
      const gone = async (socket: net.Socket): Promise<void> => {
        socket.resume();
        if (!socket.destroyed) await once(socket, 'close').catch(() => undefined);
      };
      const troubled = ['verify.test', 'project.test', 'reader.test'].map((servername) =>
        plain(t, server.port, { ...trust, servername }),
      );
      for (const socket of troubled) socket.on('secureConnect', () => socket.write('something to read'));
      const garbage = net.connect(server.port, host).on('error', () => undefined);
      garbage.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
      const silent = net.connect(server.port, host).on('error', () => undefined);
      const wire = net.connect(server.port, host).on('error', () => undefined);
      const reset = tls
        .connect({ socket: wire, servername: 'localhost', ca: pki.authorityPem })
        .on('error', () => undefined);
      reset.on('secureConnect', () => reset.write(hexLines(10_000), () => wire.resetAndDestroy()));
      for (const socket of [garbage, silent, wire]) t.teardown(() => socket.destroy());

      const sent = hexLines(65_536);
      const answers = await Promise.all(Array.from({ length: 94 }, () => echoed(plain(t, server.port), sent)));
      const whole = answers.filter((answer) => hash(answer) === hash(sent)).length;
      t.equal(whole, 93, 'everyone but the one whose observer threw has everything back');
      await Promise.all([garbage, silent, ...troubled].map(gone));

      const late = plain(t, server.port);
      t.equal(hash(await echoed(late, sent)), hash(sent), 'and the next one too');
      const has = (pattern: RegExp): boolean =>
        server.failures.some(({ error }) => pattern.test(`${(error as Error).name}: ${(error as Error).message}`));
      t.ok(has(/^NotTlsError/), 'garbage');
      t.ok(has(/^HandshakeTimeoutError.*clientHelloTimeout/), 'silence');
      t.ok(has(/the projection threw/), 'projection');
      t.ok(has(/verify/), 'verify');
      t.ok(has(/observer of the connection threw/), 'observer');
      t.ok(has(/reader/), 'reader');
      t.ok(has(/^(WriteLost|Aborted|Truncation)Error/), 'reset');
      t.ok(server.failures.length >= 7, `${server.failures.length} failures`);
      t.ok(unhandled.length <= 2, 'no more than the thrown errors themselves');
    },
  );

t.test('C6 (node): our client writes, closes and never reads; tickets on their way to it cost nothing', async (t) => {
  for (const size of [1_000, 300_000]) {
    const received: Buffer[] = [];
    const server = tls.createServer({ ...credentials(await pki.leaf('ecdsa')), ...only('TLSv1.3') });
    const over = new Promise<string>((resolve) => {
      server.on('secureConnection', (socket) => {
        socket.write(hexLines(20_000));
        socket.on('data', (bytes: Buffer) => received.push(bytes));
        socket.on('end', () => resolve('end'));
        socket.on('error', (error) => resolve(error.message));
      });
    });
    server.listen(0, host);
    await once(server, 'listening');
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    const connection = await open(connect({ host, port }).pipe(secure(clientEngine(only('TLSv1.3')))));
    const bytes = hexLines(size);
    connection.write(bytes);
    t.equal(await completed(connection.close()), undefined);
    t.equal(await over, 'end');
    t.equal(hash(Buffer.concat(received)), hash(bytes), `${size} bytes`);
  }
});

t.test('C6 (node): a client of ours that never reads is served by ours: all of its bytes arrive', async (t) => {
  const server = await serve(t, await serverEngine('ecdsa', only('TLSv1.3')));
  const connection = await open(connect({ host, port: server.port }).pipe(secure(clientEngine())));
  const bytes = hexLines(500_000);
  connection.write(bytes);
  const closed = completed(connection.close());
  const ours = await server.next();
  const reading = new Reading(ours);
  t.equal(await reading.over, 'complete');
  t.equal(hash(reading.bytes), hash(bytes));
  t.equal(await closed, undefined);
});

t.test('C5 (node): TLS 1.3 writes go on after the close_notify of a real peer; TLS 1.2 refuses them', async (t) => {
  for (const version of versions) {
    const server = await serve(t, await serverEngine('ecdsa', only(version)), { halfOpen: true });
    const socket = plain(t, server.port, { allowHalfOpen: true } as tls.ConnectionOptions);
    const chunks: Buffer[] = [];
    socket.on('data', (bytes: Buffer) => chunks.push(bytes));
    socket.end('question');
    const connection = await server.next();
    const reading = new Reading(connection);
    t.equal(await reading.over, 'complete');
    t.equal(reading.text, 'question');
    await sleep(20);
    const write = completed(connection.write(Buffer.from('answer')));
    if (version === 'TLSv1.3') {
      t.equal(await write, undefined);
      t.equal(await completed(connection.close()), undefined);
      if (!socket.readableEnded) await once(socket, 'end');
      t.equal(Buffer.concat(chunks).toString(), 'answer');
    } else t.match(await write, { name: /^(WriteRefused|ApiMisuse)Error$/ });
  }
});

t.test('C1 (node): a wire cut in the middle of 1 MiB never completes plaintext', async (t) => {
  for (const version of versions)
    for (const how of ['destroy', 'resetAndDestroy', 'end'] as const) {
      const wires: net.Socket[] = [];
      const server = tls.createServer({ ...credentials(await pki.leaf('ecdsa')), ...only(version) });
      server.on('connection', (wire) => wires.push(wire));
      server.on('secureConnection', (socket) => {
        socket.on('error', () => undefined);
        socket.write(hexLines(mebibyte / 2), () => {
          // Below TLS: no close_notify.
          if (how === 'end') wires[0]?.end();
          else wires[0]?.[how]();
        });
      });
      server.listen(0, host);
      await once(server, 'listening');
      t.teardown(() => {
        for (const wire of wires) wire.destroy();
        server.close();
      });
      const { port } = server.address() as AddressInfo;
      const { reading, ended } = await dial(t, port, clientEngine(only(version)));
      const outcome = (await reading.over) as TlsError;
      t.match(outcome.name, /^(Truncation|Aborted)Error$/, `${version} ${how}`);
      t.ok(outcome.retryable);
      t.equal(await ended, outcome);
    }
});
