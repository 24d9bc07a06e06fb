// X25519MLKEM768 with the OpenSSL 3.5 of Node 24, and half-close with the node:tls of this one.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { nodeCryptoWith, tls13EngineOn } from '@rxtls/engine-tls13/node';
import { nobleCryptoWith } from '@rxtls/engine-tls13/noble';
import { x25519MLKEM768 } from '@rxtls/engine-tls13/post-quantum';
import { concat, tap } from 'rxjs';
import t from 'tap';
import { completed, credentials, dial, hexLines, host, mebibyte, pki, Reading, refusal, serve } from './ends.ts';
import { node24Client, node24Echo, node24Missing } from './node24.ts';
import { hash } from './our-client.ts';
import { tls13Client, tls13Server } from './our-tls13.ts';

t.setTimeout(120_000);
const skip = node24Missing === undefined ? {} : { skip: node24Missing };
const hybrid = 'X25519MLKEM768';
const engines = [
  ['node:crypto', tls13EngineOn(nodeCryptoWith({ postQuantum: x25519MLKEM768 })), 5 * mebibyte],
  ['noble', tls13EngineOn(nobleCryptoWith({ postQuantum: x25519MLKEM768 })), 200_000],
] as const;

for (const [name, engine, length] of engines) {
  t.test(`on ${name}: Node 24's server with ${hybrid}, by our share or by its HelloRetryRequest`, skip, async (t) => {
    const port = await node24Echo(t, 'ecdsa', hybrid);
    const bytes = hexLines(length);
    for (const groups of [[hybrid], ['x25519', hybrid]] as const) {
      const client = tls13Client({ groups }, engine);
      for (const resumed of [false, true]) {
        const { connection, reading } = await dial(t, port, client);
        t.match(connection.negotiated, { group: hybrid, resumed }, groups.join());
        const written = completed(connection.writeFrom([bytes]));
        t.equal(hash(await reading.atLeast(length)), hash(bytes));
        t.equal(await written, undefined);
        t.equal(await completed(connection.close()), undefined);
      }
    }
    const error = await refusal(dial(t, port, tls13Client({ groups: ['x25519'] }, engine)));
    t.match(error, { name: 'AlertReceivedError', alert: 'handshake_failure' });
  });

  t.test(`on ${name}: Node 24's client with ${hybrid}, by its share or by our HelloRetryRequest`, skip, async (t) => {
    const expected = hash(Buffer.alloc(length, 'o'));
    for (const theirs of [hybrid, `X25519:${hybrid}`, `X448:${hybrid}`]) {
      const received: number[] = [];
      const server = await serve(t, await tls13Server('ecdsa', { groups: [hybrid] }, engine), {}, (connection) => {
        let got = 0;
        return concat(
          connection.plaintext.pipe(
            tap({ next: (bytes) => void (got += bytes.length), complete: () => received.push(got) }),
          ),
          connection.writeFrom([Buffer.alloc(length, 'o')]),
        );
      });
      const program = node24Client(t, server.port, theirs, length);
      await program.exited;
      t.equal(program.text.trim(), `resumed false ${expected}\nresumed true ${expected}`, theirs);
      for (const resumed of [false, true]) t.match((await server.next()).negotiated, { group: hybrid, resumed });
      t.same(received, [length, length]);
    }
  });
}

t.test("half-close: after our close_notify node:tls's server goes on, and we read to its end", async (t) => {
  const theirs = hexLines(5 * mebibyte);
  // Of net.Server, whose options it takes too.
  const options = { ...credentials(await pki.leaf('ecdsa')), allowHalfOpen: true };
  const made = tls.createServer(options, (socket) => {
    socket.resume().on('end', () => socket.end(theirs));
  });
  made.listen(0, host);
  await once(made, 'listening');
  t.teardown(() => made.close());
  const { connection, reading, ended } = await dial(t, (made.address() as AddressInfo).port, tls13Client());
  connection.write(Buffer.from('a question'));
  t.equal(await completed(connection.closeWrite()), undefined);
  t.equal(await reading.over, 'complete');
  t.equal(hash(reading.bytes), hash(theirs));
  t.equal(await ended, undefined);
});

t.test("half-close: after its close_notify our server goes on, and node:tls's client reads to the end", async (t) => {
  const server = await serve(t, await tls13Server('ecdsa'), { halfOpen: true });
  const options = { host, port: server.port, servername: 'localhost', ca: pki.authorityPem, allowHalfOpen: true };
  const socket = tls.connect(options);
  t.teardown(() => socket.destroy());
  const chunks: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => chunks.push(bytes));
  socket.end('a question');
  const connection = await server.next();
  const reading = new Reading(connection);
  t.equal(await reading.over, 'complete');
  t.equal(reading.text, 'a question');
  const ours = hexLines(5 * mebibyte);
  const over = once(socket, 'end');
  t.equal(await completed(connection.writeFrom([ours])), undefined);
  t.equal(await completed(connection.closeWrite()), undefined);
  await over;
  t.equal(hash(Buffer.concat(chunks)), hash(ours));
  t.same(server.failures, []);
});
