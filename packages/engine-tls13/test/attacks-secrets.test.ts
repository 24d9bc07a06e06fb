// What is left of secrets when a connection is over, whatever the way.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { nodeCrypto } from '../src/crypto/node/node-crypto.ts';
import type { CryptoProvider } from '../src/crypto/crypto-provider.ts';
import { tls13EngineOn } from '../src/tls13-engine.ts';
import { exchange, Side } from './attacks-peers.ts';

const pki = await testPki();
const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');

/** Secrets by what they were derived for (RFC 8446 §7.1): the labels that matter when a connection is over. */
const secretLabels = [
  'c hs traffic',
  's hs traffic',
  'c ap traffic',
  's ap traffic',
  'exp master',
  'res master',
  'traffic upd',
  'derived',
  'finished',
  'key',
  'iv',
  'res binder',
  'ext binder',
];

/** A provider that keeps hold of every array that was derived. */
function watched(): { readonly crypto: CryptoProvider; readonly left: () => string[] } {
  const derived: { label: string; bytes: Uint8Array }[] = [];
  const crypto: CryptoProvider = {
    ...nodeCrypto,
    hmac(name, by, first, second) {
      const bytes = nodeCrypto.hmac(name, by, first, second);
      // struct HkdfLabel: length, and the label behind its own length and "tls13 "; in a long expansion behind the last block.
      derived.push({ label: Buffer.from(first.subarray(9, 3 + (first[2] ?? 0))).toString('latin1'), bytes });
      return bytes;
    },
  };
  return {
    crypto,
    left: () => [
      ...new Set(
        derived
          .filter(({ label, bytes }) => secretLabels.includes(label) && bytes.some((byte) => byte !== 0))
          .map(({ label }) => label),
      ),
    ],
  };
}

const ways: Record<string, (client: Side, server: Side) => void> = {
  'destroyed when open': () => {},
  'destroyed after key updates': (client, server) => {
    client.engine.updateKeys!({ requestPeer: true });
    exchange(client, server);
  },
  'failed by an alert': (client, server) => {
    client.engine.abort('internal_error');
    exchange(client, server);
  },
};

for (const [how, go] of Object.entries(ways))
  t.test(`nothing of a connection is left in memory that can be reached: ${how}`, (t) => {
    for (const resumed of [false, true]) {
      const { crypto, left } = watched();
      const engine = tls13EngineOn(crypto);
      const clients = engine.client({ serverName: 'localhost', ca: pki.authorityPem });
      const servers = engine.server({ credentials: { cert, key } });
      for (const again of resumed ? [false, true] : [false]) {
        const client = new Side(clients);
        const server = new Side(servers);
        exchange(client, server);
        t.equal(server.negotiated?.resumed, again);
        go(client, server);
        client.engine.destroy();
        server.engine.destroy();
      }
      t.same(left(), []);
    }
    t.end();
  });

for (const end of ['refused', 'destroyed'] as const)
  for (const role of ['client', 'server'] as const)
    t.test(`nor when the ${role} is ${end} while it verifies`, (t) => {
      const { crypto, left } = watched();
      const engine = tls13EngineOn(crypto);
      const verify = () => true;
      const client = new Side(
        engine.client({ serverName: 'localhost', ca: pki.authorityPem, ...(role === 'client' && { verify }) }),
      );
      const server = new Side(engine.server({ credentials: { cert, key }, ...(role === 'server' && { verify }) }));
      exchange(client, server);
      const asked = role === 'client' ? client : server;
      if (end === 'refused') asked.tasks[0]!.resolve(false);
      client.engine.destroy();
      server.engine.destroy();
      t.same(left(), []);
      t.end();
    });

for (const role of ['client', 'server'] as const)
  t.test(`nor when the ${role} is destroyed from inside its own sink, in the middle of a step`, (t) => {
    for (const at of [1, 2, 3, 4, 5]) {
      const { crypto, left } = watched();
      const engine = tls13EngineOn(crypto);
      const client = new Side(engine.client({ serverName: 'localhost', ca: pki.authorityPem }));
      const server = new Side(engine.server({ credentials: { cert, key } }));
      const one = role === 'client' ? client : server;
      let calls = 0;
      one.inside = () => {
        if (++calls === at) one.engine.destroy();
      };
      exchange(client, server);
      client.engine.destroy();
      server.engine.destroy();
      t.same(left(), [], `at its ${at}. piece of ciphertext`);
    }
    t.end();
  });

t.test('what was opened of a ticket is wiped, and a resumed chain shares no memory with its secret', async (t) => {
  const opened: Uint8Array[] = [];
  const crypto: CryptoProvider = {
    ...nodeCrypto,
    recordKey(suite, bytes) {
      const recordKey = nodeCrypto.recordKey(suite, bytes);
      const open: typeof recordKey.open = (nonce, header, sealed) => {
        const content = recordKey.open(nonce, header, sealed);
        // Of a ticket: the header is its key's name and what it is for.
        if (content !== undefined && header.length === 17) opened.push(content);
        return content;
      };
      return { seal: (...given) => recordKey.seal(...given), open, wipe: () => recordKey.wipe() };
    },
  };
  const own = await pki.leaf('client');
  const ticketKeys = Uint8Array.from({ length: 48 }, (_, at) => at * 7);
  const trust = { clientAuth: 'require', clientCa: pki.authorityPem } as const;
  const make = (options: object) =>
    tls13EngineOn(crypto).server({ credentials: { cert, key }, ticketKeys, ...trust, ...options });
  const credentials = { cert: own.certificatePem, key: own.keyPem };
  const clients = tls13EngineOn(nodeCrypto).client({ serverName: 'localhost', ca: pki.authorityPem, credentials });
  const shown: Uint8Array[] = [];
  const verify = ({ chain }: { readonly chain: readonly Uint8Array[] }) => shown.push(...chain) > 0;
  for (const [options, resumed] of [
    [{ verify }, false],
    [{ verify }, true],
    [{ alpnProtocols: ['another.scope'] }, false],
  ] as const) {
    const [client, server] = [new Side(clients), new Side(make(options))];
    exchange(client, server);
    for (const task of server.tasks) task.resolve(await (task.run() as Promise<unknown>));
    exchange(client, server);
    t.equal(server.negotiated?.resumed, resumed);
    shown.push(...server.negotiated!.peer.chain);
    client.engine.destroy();
    server.engine.destroy();
  }
  t.ok(shown.length > 6);
  t.same(
    shown.filter(({ length, buffer }) => length !== buffer.byteLength),
    [],
    'a clone of an array takes all of its buffer along',
  );
  t.equal(opened.length, 2);
  t.notOk(opened.some((content) => content.some((byte) => byte !== 0)));
});
