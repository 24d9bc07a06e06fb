// The connection around the handshake: what is skipped, what is sent after the end, what the application can break.
import { testPki } from '@rxtls/testing';
import t from 'tap';
import { tls13Engine } from '../src/node.ts';
import { tls13Engine as onNoble } from '../src/noble.ts';
import { extensionType } from '../src/handshake/extensions/extension-type.ts';
import { encodePreSharedKeyClient } from '../src/handshake/extensions/offered-psks.ts';
import { decodeClientHello, encodeClientHello } from '../src/handshake/messages/client-hello.ts';
import { exchange, Side } from './attacks-peers.ts';

const pki = await testPki();
const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
const names = { serverName: 'localhost', ca: pki.authorityPem } as const;
const clients = tls13Engine.client(names);
const servers = tls13Engine.server({ credentials: { cert, key } });

const record = (type: number, content: Uint8Array): Uint8Array =>
  Uint8Array.of(type, 3, 3, content.length >> 8, content.length & 255, ...content);
const noise = (bytes = 64): Uint8Array => record(23, new Uint8Array(bytes).fill(7));

/** The ClientHello of a record, with early_data offered as well, under a key that the server does not know. */
function withEarlyData(hello: Uint8Array): Uint8Array {
  const message = decodeClientHello(hello.subarray(9));
  const psk = { identities: [{ identity: Uint8Array.of(1), obfuscatedTicketAge: 0 }], binders: [new Uint8Array(32)] };
  const extensions = [
    ...message.extensions,
    { type: extensionType.early_data, data: new Uint8Array(0) },
    { type: extensionType.pre_shared_key, data: encodePreSharedKeyClient(psk) },
  ];
  return record(22, encodeClientHello({ ...message, extensions }));
}

t.test('early data is skipped up to the second ClientHello and not behind it', (t) => {
  const server = new Side(tls13Engine.server({ credentials: { cert, key }, groups: ['secp384r1'] }));
  const client = new Side(clients);
  server.give(withEarlyData(client.take()));
  server.give(noise());
  t.equal(server.failed, undefined, 'behind the first one it is skipped');
  client.give(server.take());
  server.give(client.take());
  t.equal(server.failed, undefined);
  server.give(noise());
  t.match(server.failed, { name: 'PeerMisbehavedError', alert: 'bad_record_mac' });
  t.end();
});

t.test('a record of the client that was changed on its way is not skipped as early data for good', (t) => {
  const server = new Side(servers);
  const client = new Side(clients);
  server.give(withEarlyData(client.take()));
  server.give(noise(16_000));
  t.equal(server.failed, undefined);
  server.give(noise(16_000));
  t.match(server.failed, { name: 'LimitExceededError' });
  t.equal(server.negotiated, undefined);
  t.end();
});

for (const role of ['client', 'server'] as const)
  t.test(`after close_notify in the middle of the handshake the ${role} sends nothing`, (t) => {
    const client = new Side(clients);
    const server = new Side(servers);
    server.give(client.take());
    const flight = server.take();
    if (role === 'client') {
      client.engine.sendCloseNotify();
      client.take();
      client.give(flight);
    } else {
      client.give(flight);
      server.engine.sendCloseNotify();
      server.take();
      server.give(client.take());
    }
    t.equal((role === 'client' ? client : server).take().length, 0);
    t.end();
  });

for (const [name, engine] of [
  ['node', tls13Engine],
  ['noble', onNoble],
] as const)
  t.test(`exportKeyingMaterial on ${name}: what is no context, label or length is a misuse`, (t) => {
    const client = new Side(engine.client(names));
    t.throws(() => client.engine.exportKeyingMaterial!('x', undefined, 32), { name: 'ApiMisuseError' });
    const server = new Side(engine.server({ credentials: { cert, key } }));
    exchange(client, server);
    for (const given of [
      ['x', 'text', 32],
      ['x', null, 32],
      ['x', [1, 2], 32],
      ['x', 5, 32],
      ['', undefined, 32],
      ['é', undefined, 32],
      [undefined, undefined, 32],
      ['x', undefined, 0],
      ['x', undefined, 1.5],
      ['x', undefined, 255 * 48 + 1],
      ['x', undefined, Number.NaN],
    ] as const)
      t.throws(
        () => client.engine.exportKeyingMaterial!(given[0] as string, given[1] as never, given[2]),
        { name: 'ApiMisuseError' },
        JSON.stringify(given),
      );
    t.same(
      client.engine.exportKeyingMaterial!('x', new Uint8Array(1), 32),
      server.engine.exportKeyingMaterial!('x', new Uint8Array(1), 32),
    );
    t.end();
  });

t.test('a chain that the application overwrites or hands on is its own: the factory still trusts its anchors', (t) => {
  const factory = onNoble.client({ ...names, sessions: 'none' });
  for (const round of [1, 2]) {
    const client = new Side(factory);
    exchange(client, new Side(servers));
    t.equal(client.failed, undefined, `round ${round}`);
    for (const certificate of client.negotiated?.peer.chain ?? []) certificate.fill(0);
  }
  t.end();
});
