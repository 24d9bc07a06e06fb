import { randomBytes } from 'node:crypto';
import type { TlsVersion } from '@rxtls/core/engine';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { type End, type EndOptions, type Pair, pair, pieces, turn, whole } from './harness.ts';
import { credentials, host, root } from './pki.ts';

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];
const both = (version: TlsVersion, options: { client?: EndOptions; server?: EndOptions } = {}): Pair =>
  pair(
    nodeEngine.client({ serverName: 'host.test', ca: root.pem }),
    nodeEngine.server({ credentials: credentials(host), minVersion: version, maxVersion: version }),
    options,
  );

for (const version of versions) {
  for (const [name, chunking] of Object.entries({ whole, 'of 1 byte': pieces(() => 1), 'of 7 bytes': pieces(() => 7) }))
    t.test(`${version}: what follows the peer's close_notify stays unconsumed, chunks ${name}`, async (t) => {
      for (const [from, to] of [
        ['client', 'server'],
        ['server', 'client'],
      ] as const) {
        const connection = both(version);
        await connection.run();
        const sender = connection[from];
        const receiver = connection[to];
        sender.send('last words');
        sender.engine.sendCloseNotify();
        for (let i = 0; i < 5; i++) await turn();
        const wire = sender.take();
        const before = receiver.given;
        // A record after it, and bytes that are no record: a plain protocol goes on after TLS.
        const trailing = Buffer.concat([Buffer.from([23, 3, 3, 0, 4, 1, 2, 3, 4]), Buffer.from('220 plain again\r\n')]);
        for (const chunk of chunking(Buffer.concat([wire, trailing]))) receiver.give(chunk);
        for (let i = 0; i < 5; i++) await turn();
        t.equal(receiver.text, 'last words');
        t.ok(receiver.closed);
        t.equal(receiver.error, undefined);
        t.equal(receiver.consumed, before + wire.length);
        t.match(receiver.log.slice(-2), ['event', 'closeNotify']);
        connection.destroy();
      }
    });

  t.test(`${version}: an end without close_notify tells nothing`, async (t) => {
    const connection = both(version);
    await connection.run();
    connection.client.engine.receiveEnd();
    connection.server.engine.receiveEnd();
    await connection.run();
    t.notOk(connection.client.closed);
    t.notOk(connection.server.closed);
    t.equal(connection.client.error, undefined);
    connection.destroy();
  });

  t.test(`${version}: after our close_notify the peer's data still comes`, async (t) => {
    const connection = both(version);
    await connection.run();
    connection.client.send('question');
    connection.client.engine.sendCloseNotify();
    await connection.run();
    t.ok(connection.server.closed);
    t.ok(connection.client.events.some((event) => event.type === 'alert' && event.direction === 'sent'));
    const answer = randomBytes(200_000);
    await connection.sendAll(connection.server, answer);
    connection.server.engine.sendCloseNotify();
    await connection.run();
    t.ok(answer.equals(Buffer.concat(connection.client.plaintext)));
    t.ok(connection.client.closed);
    connection.destroy();
  });

  t.test(`${version}: while paused plaintext, its consumption and a close_notify wait together`, async (t) => {
    const connection = both(version);
    await connection.run();
    const { client, server } = connection;
    client.engine.pause();
    const consumed = client.consumed;
    await connection.sendAll(server, randomBytes(100_000));
    server.engine.sendCloseNotify();
    await connection.run();
    t.equal(client.plaintext.length, 0);
    t.notOk(client.closed);
    t.equal(client.consumed, consumed);
    client.send('still answering');
    await connection.run();
    t.equal(server.text, 'still answering');
    client.engine.resume();
    t.equal(Buffer.concat(client.plaintext).length, 100_000);
    t.ok(client.closed);
    t.equal(client.consumed, client.given);
    connection.destroy();
  });

  t.test(`W4 (node): ${version}: the array may be written over as soon as sendPlaintext has returned`, async (t) => {
    const connection = both(version);
    await connection.run();
    for (const size of [1, 100, 16_384, 65_536, 300_000]) {
      connection.server.plaintext.length = 0;
      const bytes = randomBytes(size);
      const copy = Buffer.from(bytes);
      await connection.run(() => connection.client.ready?.maySend === true);
      connection.client.send(bytes);
      bytes.fill(0);
      await connection.run();
      t.ok(copy.equals(Buffer.concat(connection.server.plaintext)), `${size} bytes`);
    }
    connection.destroy();
  });

  t.test(`D1 (node): ${version}: destroy from inside every callback; nothing follows`, async (t) => {
    const names = [
      'ciphertext',
      'consumed',
      'event',
      'negotiated',
      'readiness READY',
      'sealed',
      'plaintext',
      'closeNotify',
      'task',
    ];
    for (const name of names)
      for (const role of ['client', 'server'] as const) {
        let seen = false;
        let after = 0;
        const callback = (called: string, end: End): void => {
          if (seen) after++;
          if (called !== name || end.engine === undefined) return;
          seen = true;
          end.engine.destroy();
          end.engine.destroy();
        };
        const connection = pair(
          nodeEngine.client({ serverName: 'host.test', ca: root.pem, verify: () => true }),
          nodeEngine.server({
            credentials: credentials(host),
            minVersion: version,
            maxVersion: version,
            verify: () => true,
          }),
          { [role]: { callback } },
        );
        const { client, server } = connection;
        await connection.run();
        for (const [from, to] of [
          [client, server],
          [server, client],
        ] as const) {
          if (from.ready?.maySend === true) from.send('data');
          await connection.run();
          from.engine.sendCloseNotify();
          await connection.run();
          to.give(Buffer.from([23, 3, 3, 0, 1, 0]));
        }
        t.ok(seen, `${role}: ${name} happened`);
        t.equal(after, 0, `${role}: nothing after destroy in ${name}`);
        const dead = connection[role].engine;
        dead.receiveCiphertext(Buffer.from([22, 3, 3, 0, 1, 0]));
        dead.sendPlaintext(Buffer.from('x'));
        dead.sendCloseNotify();
        dead.receiveEnd();
        dead.pause();
        dead.resume();
        dead.abort('internal_error');
        connection.destroy();
      }
  });
}
