import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type ClientHello, ClientHelloReader, type TlsVersion } from '@rxtls/core/engine';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { type Pair, pair, pieces, whole } from './harness.ts';
import { credentials, host, hostRsa, root } from './pki.ts';

const random = (): (() => number) => {
  let state = 12345;
  return () => (state = (state * 1103515245 + 12345) & 0x7fffffff) % 700;
};
const chunkings = { whole, 'byte by byte': pieces(() => 1), random: pieces(random()) };
const leaves = { ECDSA: host, RSA: hostRsa };

for (const version of ['TLSv1.2', 'TLSv1.3'] as TlsVersion[])
  for (const [kind, leaf] of Object.entries(leaves))
    for (const [name, chunking] of Object.entries(chunkings))
      t.test(
        `${version}, ${kind}, chunks ${name}: handshake, data, close in order and all bytes accounted for`,
        async (t) => {
          const connection: Pair = pair(
            nodeEngine.client({ serverName: 'host.test', ca: root.pem, alpnProtocols: ['a', 'b'], sessions: 'none' }),
            nodeEngine.server({
              credentials: credentials(leaf),
              alpnProtocols: ['b'],
              minVersion: version,
              maxVersion: version,
            }),
            { chunking },
          );
          const { client, server } = connection;
          await connection.run();
          t.equal(client.error, undefined);
          t.equal(server.error, undefined);
          t.equal(client.negotiated?.version, version);
          t.equal(client.negotiated?.peer.verification, 'passed');
          t.equal(server.negotiated?.peer.verification, 'not-requested');
          t.equal(client.negotiated?.alpnProtocol, 'b');
          t.equal(server.negotiated?.alpnProtocol, 'b');
          t.equal(server.negotiated?.serverName, 'host.test');
          t.equal(client.negotiated?.cipherSuite, server.negotiated?.cipherSuite);
          t.equal(client.ready?.state, 'READY');
          const up = randomBytes(name === 'byte by byte' ? 20_000 : 300_000);
          const down = randomBytes(50_000);
          await connection.sendAll(client, up, 40_000);
          await connection.sendAll(server, down);
          t.ok(up.equals(Buffer.concat(server.plaintext)));
          t.ok(down.equals(Buffer.concat(client.plaintext)));
          t.equal(client.sealed, up.length);
          t.equal(server.sealed, down.length);
          t.same(
            client.engine.exportKeyingMaterial?.('test', undefined, 32),
            server.engine.exportKeyingMaterial?.('test', undefined, 32),
          );
          client.engine.sendCloseNotify();
          await connection.run();
          t.ok(server.closed);
          t.notOk(client.closed);
          await connection.sendAll(server, Buffer.from('after'));
          t.match(client.text, /after$/);
          server.engine.sendCloseNotify();
          await connection.run();
          t.ok(client.closed);
          t.equal(client.consumed, client.given);
          t.equal(server.consumed, server.given);
          t.equal(client.error, undefined);
          t.equal(server.error, undefined);
          connection.destroy();
        },
      );

t.test('an open connection holds neither its ClientHello nor what has read it', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const held: WeakRef<object>[] = [];
  const own = Object.getOwnPropertyDescriptor(ClientHelloReader.prototype, 'receive')!;
  const receive = own.value as (this: ClientHelloReader, bytes: Uint8Array) => ClientHello | undefined;
  t.teardown(() => Object.defineProperty(ClientHelloReader.prototype, 'receive', own));
  ClientHelloReader.prototype.receive = function (bytes) {
    const hello = receive.call(this, bytes);
    if (hello !== undefined) held.push(new WeakRef(this), new WeakRef(hello.message.buffer));
    return hello;
  };
  const key = (): Buffer => randomBytes(48);
  const connection = pair(
    nodeEngine.client({ serverName: 'host.test', ca: root.pem }),
    nodeEngine.server({ credentials: credentials(host), ticketKeys: { current: key(), previous: [key()] } }),
  );
  await connection.run();
  t.equal(connection.server.negotiated?.serverName, 'host.test');
  t.ok(held.length >= 2);
  collect();
  t.same(
    held.map((each) => each.deref()),
    held.map(() => undefined),
  );
  await connection.sendAll(connection.client, Buffer.from('still here'));
  t.equal(connection.server.text, 'still here');
  connection.destroy();
});
