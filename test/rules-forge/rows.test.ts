// Rows of the checklist that need core, over forgeEngine. At the engine alone (packages/engine-forge/test): A3 to A7, C1 to C3,
// D1, D4, K4, P6, R3 to R6, R8, R9, R14, R16, R18, S1 to S3, S5.
import type { TlsConnection } from '@rxtls/core';
import { byHello } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { strictCaller } from '@rxtls/testing';
import t from 'tap';
import { client, server } from '../../packages/engine-forge/test/harness.ts';
import { credentials, root, rsa } from '../../packages/engine-forge/test/rsa-pki.ts';
import { badlySettled, type Duo, duo, type DuoOptions, sample, unbalanced, until } from '../rules-node/bench.ts';

t.setTimeout(120_000);

const factories = { client: strictCaller(client()), server: strictCaller(server()) };
const forge = (options: DuoOptions = {}): Duo => duo({ ...factories, ...options });

t.test('W3 (forge) what is written before, during and after the handshake arrives in order, once', async (t) => {
  const early = [sample(1_000, 1), sample(30_000, 2), sample(17, 3)];
  const late = [sample(40_000, 4), sample(1, 5)];
  const both = forge({
    clientOptions: { writes: early },
    serverEmitted: (connection: TlsConnection) => connection.write(sample(5_000, 6)),
    clientEmitted: (connection: TlsConnection) => connection.write(late[0]!),
  });
  await both.open();
  both.server.read();
  both.client.read();
  const expected = Buffer.concat([...early, late[0]!]);
  await until(() => both.server.bytes.length >= expected.length && both.client.bytes.length >= 5_000, 'the writes');
  t.same(sorted(both.server.bytes), sorted(expected), 'all of it');
  t.ok(both.server.bytes.includes(Buffer.concat(early)) || both.server.bytes.includes(early[1]!), 'in order');
  t.same(both.client.bytes, sample(5_000, 6));
  await until(() => both.client.ledger.outstanding === 0, 'the acks');
  t.same(badlySettled(both.client.acks), []);
  both.destroy();
});

// oxlint-disable-next-line unicorn/no-array-sort -- toSorted is ES2023; this array is a copy
const sorted = (bytes: Buffer): Buffer => Buffer.from(bytes).sort();

t.test('W6 (forge) without transport demand nothing is flushed, and one record at most is sealed ahead', async (t) => {
  const both = await forge().open();
  both.server.read();
  both.link.aToB.starve(0);
  for (let n = 0; n < 10; n++) both.client.write(sample(16_000, n));
  await until(() => both.client.acks.some(({ type }) => type === 'queued'), 'acks');
  t.notOk(both.client.acks.some(({ type }) => type === 'flushed'));
  t.ok(both.client.ledger.sealed <= 16_384, `${both.client.ledger.sealed} bytes sealed`);
  both.link.aToB.starve(Number.POSITIVE_INFINITY);
  await until(() => both.server.bytes.length === 160_000, 'the rest');
  await until(() => both.client.ledger.outstanding === 0, 'the acks');
  t.same(badlySettled(both.client.acks), []);
  both.destroy();
});

t.test('W7 (forge) every intent has one terminal ack on every way out', async (t) => {
  const ways: Record<string, (both: Duo) => void> = {
    unsubscribe: (both) => both.client.subscription.unsubscribe(),
    'the wire breaks': (both) => both.link.aToB.cut('error'),
    'the wire ends': (both) => both.link.bToA.cut('end'),
    'the peer cuts': (both) => both.server.subscription.unsubscribe(),
    'the peer closes': (both) => void both.server.connection.close().subscribe(),
    close: (both) => void both.client.connection.close().subscribe(),
  };
  for (const [name, leave] of Object.entries(ways)) {
    const both = await forge({ clientOptions: { limits: { closeTimeout: 50 } } }).open();
    both.client.read();
    both.link.aToB.starve(20_000);
    for (let n = 0; n < 5; n++) both.client.write(sample(16_000, n));
    leave(both);
    await until(() => both.client.ledger.outstanding === 0, name);
    t.same(badlySettled(both.client.acks), [], name);
    t.same(unbalanced(both.client.ledgers), [], name);
    both.destroy();
  }
  const refused = duo({
    ...factories,
    client: client({ serverName: 'other.test' }),
    clientOptions: { writes: [sample(99)] },
  });
  await until(() => refused.client.isOver, 'the refusal');
  t.match(refused.client.error, { name: 'CertificateError', reason: 'wrong-name', phase: 'verification' });
  t.equal(refused.client.connections.length, 0);
  t.equal(refused.client.wire.aborts + refused.client.wire.ends > 0, true);
  t.same(badlySettled(refused.client.acks), []);
  t.equal(refused.client.ledger.sealed, 0);
});

t.test(
  'C1 C4 C5 (forge) a cut is an error; a silent peer has closeTimeout; writes after its close are refused',
  async (t) => {
    const cut = await forge().open();
    cut.client.read();
    cut.server.write('all');
    await until(() => cut.client.text === 'all', 'the plaintext');
    cut.link.bToA.cut('end');
    await until(() => cut.client.isOver, 'the end');
    t.match(cut.client.plaintextEnd, { name: 'TruncationError', bytesReceived: 3 });

    const silent = await forge({ clientOptions: { limits: { closeTimeout: 60 } } }).open();
    silent.link.aToB.stall();
    silent.client.connection.close().subscribe({ error: () => undefined });
    await until(() => silent.client.isOver, 'the time-out');
    t.equal(silent.client.wire.aborts + silent.client.wire.ends > 0, true);

    const closed = await forge().open();
    closed.client.read();
    closed.link.aToB.starve(0);
    closed.client.write('queued');
    closed.server.connection.close().subscribe({ error: () => undefined });
    await until(() => closed.client.plaintextEnd === 'complete', 'their close_notify');
    closed.client.connection.write(Buffer.from('late')).subscribe({ error: () => undefined });
    t.ok(
      closed.client.acks.some(({ type }) => type === 'refused' || type === 'lost'),
      'not silent',
    );
    closed.link.aToB.starve(Number.POSITIVE_INFINITY);
    await until(() => closed.client.isOver, 'the end');
    t.same(badlySettled(closed.client.acks), []);
    for (const each of [cut, silent, closed]) each.destroy();
  },
);

t.test('A3 (forge) a verify that throws, errors, is empty or late ends its connection alone', async (t) => {
  const verifies: Record<string, () => never> = {
    throws: () => {
      throw new Error('verify');
    },
    rejects: (() => Promise.reject(new Error('verify'))) as unknown as () => never,
    'never answers': (() => new Promise(() => undefined)) as unknown as () => never,
  };
  for (const [name, verify] of Object.entries(verifies)) {
    const both = duo({ ...factories, client: client({ verify }), clientOptions: { limits: { taskTimeout: 50 } } });
    await until(() => both.client.isOver && both.server.isOver, name);
    t.equal(both.client.connections.length, 0, name);
    t.match(both.server.error, { name: 'AlertReceivedError' }, `${name}: and the alert arrives`);
  }
  const good = duo({ ...factories, client: client({ verify: () => Promise.resolve(true) }) });
  await good.open();
  t.equal(good.client.connections.length, 1);
  good.destroy();
});

t.test('byHello: old clients get forge, new ones OpenSSL, and a fallback is refused from both sides', async (t) => {
  const modern = rsa({ issuer: root, dns: ['host.test'], usage: 'serverAuth' });
  const newer = nodeEngine.server({ credentials: credentials(modern) });
  const older = server({ keysOfOtherEngines: modern.pem });
  const choice = byHello(({ supportedVersions }) => (supportedVersions.some((each) => each >= 0x0303) ? newer : older));
  const old = await duo({ client: factories.client, server: choice }).open();
  t.equal(old.client.connection.negotiated.version, 'TLSv1');
  old.destroy();
  const fresh = nodeEngine.client({ serverName: 'host.test', ca: root.pem, sessions: 'none' });
  const current = await duo({ client: fresh, server: choice }).open();
  t.equal(current.client.connection.negotiated.version, 'TLSv1.3');
  current.destroy();
  // Somebody on the path has every client talk to the older engine: the sentinel in its ServerHello says so.
  const legacy = {
    dangerouslyAllowLegacyVersions: true,
    ciphers: 'AES128-SHA:@SECLEVEL=0',
    minVersion: 'TLSv1',
  } as const;
  const wide = nodeEngine.client({ serverName: 'host.test', ca: root.pem, sessions: 'none', ...legacy });
  const forced = duo({ client: wide, server: older });
  await until(() => forced.client.isOver, 'the refusal');
  t.match(forced.client.error, { name: 'PeerIncompatibleError', alert: 'inappropriate_fallback' });
  t.equal(forced.client.connections.length, 0);
  const narrow = nodeEngine.client({
    serverName: 'host.test',
    ca: root.pem,
    sessions: 'none',
    ...legacy,
    maxVersion: 'TLSv1',
  });
  const meant = await duo({ client: narrow, server: older }).open();
  t.equal(meant.client.connection.negotiated.version, 'TLSv1', 'a client that can no more is content');
  meant.destroy();
  t.throws(() => server({ credentials: credentials(modern), keysOfOtherEngines: modern.pem }), /another engine/);
});
