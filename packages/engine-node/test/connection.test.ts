import { randomBytes } from 'node:crypto';
import { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TlsVersion } from '@rxtls/core/engine';
import t from 'tap';
import { nodeEngine } from '../src/index.ts';
import { type End, type Pair, pair, pieces, turn, whole } from './harness.ts';
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

t.test("a client that is slower than Node's own handshake timeout: how it fails is told all the same", async (t) => {
  const real = Object.getOwnPropertyDescriptor(Socket.prototype, 'setTimeout')!;
  t.teardown(() => Object.defineProperty(Socket.prototype, 'setTimeout', real));
  // Two minutes go by as 20 ms.
  Socket.prototype.setTimeout = function faster(this: Socket, timeout: number, call?: () => void) {
    return (real.value as Socket['setTimeout']).call(this, timeout / 6_000, call);
  };
  const { client, server } = pair(
    nodeEngine.client({ serverName: 'host.test', ca: root.pem, maxVersion: 'TLSv1.2' }),
    nodeEngine.server({ credentials: credentials(host), minVersion: 'TLSv1.3' }),
  );
  await turn();
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(server.error, undefined, 'how long to wait is for core to say');
  server.give(client.take());
  for (let turns = 0; turns < 20 && server.error === undefined; turns++) await turn();
  t.match(server.error, { name: 'PeerIncompatibleError' });
  client.engine.destroy();
  server.engine.destroy();
});

t.test('a server keeps nothing of a ClientHello, however long, once it has read it', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const alpnProtocols = Array.from({ length: 230 }, (_, at) => `${at}`.padStart(255, 'x'));
  const client = nodeEngine.client({ serverName: 'host.test', ca: root.pem, alpnProtocols, sessions: 'none' });
  const own = { credentials: credentials(host), clientCa: root.pem } as const;
  const server = nodeEngine.server({ ...own, clientAuth: 'request', serverNames: { 'host.test': credentials(host) } });
  const servers: End[] = [];
  const held = async (): Promise<number> => {
    // What Node lets go of in a later turn is gone, too.
    for (let turns = 0; turns < 4; turns++) {
      await turn();
      collect();
    }
    return process.memoryUsage().arrayBuffers;
  };
  const before = await held();
  for (let connections = 0; connections < 20; connections++) {
    const met = pair(client, server);
    await met.run();
    t.equal(met.server.error, undefined);
    met.client.engine.destroy();
    servers.push(met.server);
  }
  const each = ((await held()) - before) / servers.length;
  for (const { engine } of servers) engine.destroy();
  t.ok(each < 16_384, `${Math.round(each)} bytes for each connection`);
});
