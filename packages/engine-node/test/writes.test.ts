// Writes that come while Node has one in hand.
import { randomBytes } from 'node:crypto';
import type { TlsVersion } from '@rxtls/core/engine';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { type EndOptions, type Pair, pair, turn } from './harness.ts';
import { credentials, host, root } from './pki.ts';

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];

async function both(version: TlsVersion, client: EndOptions = {}): Promise<Pair> {
  const connection = pair(
    nodeEngine.client({ serverName: 'host.test', ca: root.pem }),
    nodeEngine.server({ credentials: credentials(host), minVersion: version, maxVersion: version }),
    { client },
  );
  await connection.run();
  return connection;
}

const dataRecords = (wire: Buffer): number[] => {
  const lengths: number[] = [];
  for (let at = 0; at < wire.length; at += 5 + wire.readUInt16BE(at + 3)) lengths.push(wire.readUInt16BE(at + 3));
  return lengths;
};

for (const version of versions) {
  t.test(
    `${version}: small writes of one turn share a record, in order, and their arrays are the caller's again`,
    async (t) => {
      const connection = await both(version);
      const { client, server } = connection;
      const expected: Buffer[] = [];
      for (let n = 0; n < 100; n++) {
        t.ok(client.ready?.maySend);
        const bytes = randomBytes(100 + n);
        expected.push(Buffer.from(bytes));
        client.send(bytes);
        bytes.fill(0);
      }
      t.equal(client.sealed, 0, 'nothing is called sealed before its ciphertext is out');
      for (let n = 0; n < 3; n++) await turn();
      t.equal(client.sealed, Buffer.concat(expected).length);
      const wire = client.take();
      t.equal(dataRecords(wire).length, 2, 'the first goes out at once, the others together');
      server.give(wire);
      for (let n = 0; n < 3; n++) await turn();
      t.ok(Buffer.concat(server.plaintext).equals(Buffer.concat(expected)));
      connection.destroy();
    },
  );

  t.test(`${version}: the engine is not ready with 64 KiB gathered, nor behind one large write`, async (t) => {
    const connection = await both(version);
    const { client } = connection;
    let given = 0;
    while (client.ready?.maySend === true) {
      client.send(Buffer.alloc(10_000));
      given += 10_000;
    }
    t.equal(given, 80_000);
    t.equal(client.ready?.state, 'WANT_WRITE');
    await connection.run();
    t.equal(client.sealed, given);
    t.ok(client.ready?.maySend);
    client.send(Buffer.alloc(65_536));
    t.notOk(client.ready?.maySend, 'what follows need not be copied');
    await connection.run();
    t.ok(client.ready?.maySend);
    t.equal(connection.server.text.length, given + 65_536);
    connection.destroy();
  });

  t.test(`${version}: close_notify goes out behind what was gathered`, async (t) => {
    const connection = await both(version);
    const { client, server } = connection;
    const expected = randomBytes(30_000);
    for (let at = 0; at < expected.length; at += 1_000) client.send(expected.subarray(at, at + 1_000));
    client.engine.sendCloseNotify();
    t.equal(client.ready?.state, 'WANT_WRITE');
    await connection.run();
    t.ok(expected.equals(Buffer.concat(server.plaintext)));
    t.ok(server.closed);
    t.equal(client.sealed, expected.length);
    t.equal(client.log.at(-1), 'sealed', 'the close_notify itself');
    const closes = client.events.filter((event) => event.type === 'alert' && event.direction === 'sent');
    t.equal(closes.length, 1);
    connection.destroy();
  });

  t.test(`${version}: destroy forgets what was gathered`, async (t) => {
    const connection = await both(version);
    const { client } = connection;
    client.send('sealed at once');
    client.send('gathered');
    client.take();
    client.engine.destroy();
    for (let n = 0; n < 5; n++) await turn();
    t.equal(client.take().length, 0);
    t.equal(client.sealed, 0);
    connection.destroy();
  });

  t.test(`${version}: the records of what is gathered count before AES-GCM's limit`, async (t) => {
    const connection = await both(version, { limits: { maxAesGcmRecords: 12 } });
    const { client } = connection;
    let sent = 0;
    for (; sent < 20 && client.error === undefined; sent++) client.send(Buffer.alloc(16_384));
    t.match(client.error, { name: 'LimitExceededError', limit: 'maxAesGcmRecords' });
    t.ok(sent <= 12);
    connection.destroy();
  });
}

t.test('TLS 1.2: nothing is gathered where a renegotiation could come in between', async (t) => {
  const connection = await both('TLSv1.2', { limits: { renegotiation: { max: 1 } } });
  const { client, server } = connection;
  client.send('one');
  t.notOk(client.ready?.maySend);
  await connection.run();
  t.ok(client.ready?.maySend);
  t.equal(server.text, 'one');
  connection.destroy();
});
