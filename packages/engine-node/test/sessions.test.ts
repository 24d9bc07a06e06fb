import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import tls from 'node:tls';
import type { TlsEngineFactory, TlsEngineSink, TlsVersion } from '@rxtls/core/engine';
import t from 'tap';
import { memorySessions, type NodeClientOptions, type NodeServerOptions, nodeEngine } from '../src/index.ts';
import { type EndOptions, type Pair, pair } from './harness.ts';
import { client, credentials, host, intermediate, issue, otherRoot, root } from './pki.ts';

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];
const day = 24 * 3600 * 1000;
const twoNames = issue({ issuer: root, dns: ['host.test', 'other.test'] });

const clientOf = (options: Partial<NodeClientOptions> = {}) =>
  nodeEngine.client({ serverName: 'host.test', ca: root.pem, ...options });
const serverOf = (version: TlsVersion, options: Partial<NodeServerOptions> = {}) =>
  nodeEngine.server({ credentials: credentials(host), minVersion: version, maxVersion: version, ...options });

async function meet(
  clientFactory: ReturnType<typeof nodeEngine.client>,
  serverFactory: ReturnType<typeof nodeEngine.server>,
  options: { client?: EndOptions; server?: EndOptions } = {},
): Promise<Pair> {
  const connection = pair(clientFactory, serverFactory, options);
  await connection.run();
  if (connection.client.ready?.maySend && connection.server.ready?.maySend) {
    connection.client.engine.sendCloseNotify();
    connection.server.engine.sendCloseNotify();
    await connection.run();
  }
  connection.destroy();
  return connection;
}
const resumed = ({ client, server }: Pair): string =>
  `${client.negotiated?.resumed ?? client.error?.name} ${server.negotiated?.resumed ?? server.error?.name}`;

for (const version of versions) {
  t.test(`S5 (node): ${version}: sessions resume, each is offered once, and the chain comes with them`, async (t) => {
    const sessions = memorySessions();
    const factory = clientOf({ sessions });
    const server = serverOf(version);
    const first = await meet(factory, server);
    t.equal(resumed(first), 'false false');
    const tickets = sessions.size;
    t.ok(tickets > 0);
    t.ok(first.client.events.some((event) => event.type === 'ticket' && event.kept));
    const second = await meet(factory, server);
    t.equal(resumed(second), 'true true');
    t.same(second.client.negotiated?.peer, first.client.negotiated?.peer);
    t.equal(second.server.negotiated?.serverName, 'host.test');
    sessions.clear();
    t.equal(resumed(await meet(factory, server)), 'false false');
  });

  t.test(`${version}: sessions: 'none' on either side resumes nothing`, async (t) => {
    const off = serverOf(version, { sessions: 'none' });
    const on = clientOf();
    await meet(on, off);
    t.equal(resumed(await meet(on, off)), 'false false');
    const server = serverOf(version);
    const silent = clientOf({ sessions: 'none' });
    await meet(silent, server);
    t.equal(resumed(await meet(silent, server)), 'false false');
  });

  t.test(
    `S1 (node): ${version}: a ticket never crosses to a server with other client authentication or trust`,
    async (t) => {
      const ticketKeys = Buffer.from(Array.from({ length: 48 }, (_, i) => i));
      const sessions = memorySessions();
      const factory = clientOf({ sessions, credentials: credentials(client) });
      const require = { clientAuth: 'require', clientCa: root.pem, ticketKeys } as const;
      await meet(factory, serverOf(version, { ticketKeys }));
      const other = await meet(factory, serverOf(version, require));
      t.equal(resumed(other), 'false false');
      t.equal(other.server.negotiated?.peer.verification, 'passed');
      t.equal(resumed(await meet(factory, serverOf(version, require))), 'true true', 'the same policy and keys resume');
      // Trust: made under one authority, offered where another rules.
      sessions.clear();
      await meet(factory, serverOf(version, require));
      const refused = await meet(factory, serverOf(version, { ...require, clientCa: otherRoot.pem }));
      t.equal(refused.server.negotiated, undefined);
      t.match(refused.server.error, { reason: 'unknown-authority' });
    },
  );

  t.test(`S1 (node): ${version}: virtual hosts of one server share no tickets`, async (t) => {
    const ticketKeys = Buffer.from(Array.from({ length: 48 }, (_, i) => i * 3));
    const server = serverOf(version, {
      ticketKeys,
      serverNames: { 'host.test': credentials(twoNames), '*.test': credentials(twoNames) },
    });
    const sessions = memorySessions();
    const first = await meet(clientOf({ sessions }), server);
    t.equal(resumed(first), 'false false');
    t.equal(resumed(await meet(clientOf({ sessions }), server)), 'true true');
    const raw = await rawSession(server, 'host.test');
    const other = pair(rawClient(raw, 'other.test'), server);
    await other.run();
    t.equal(other.server.negotiated?.serverName, 'other.test');
    t.equal(other.server.negotiated?.resumed, false);
    other.destroy();
    t.equal(await resumes(server, raw, 'host.test'), true, 'the same session resumes under its own name');
  });

  t.test(`S2 (node): ${version}: new trust on the client leaves its old sessions behind`, async (t) => {
    const sessions = memorySessions();
    const server = serverOf(version, { credentials: credentials(twoNames) });
    await meet(clientOf({ sessions }), server);
    t.match((await meet(clientOf({ sessions, ca: otherRoot.pem }), server)).client.error, {
      reason: 'unknown-authority',
    });
    t.equal(resumed(await meet(clientOf({ sessions, serverName: 'other.test' }), server)), 'false false');
    t.equal(resumed(await meet(clientOf({ sessions, port: 444 }), server)), 'false false');
    t.equal(resumed(await meet(clientOf({ sessions, verify: () => true }), server)), 'false false');
    t.equal(resumed(await meet(clientOf({ sessions, credentials: credentials(client) }), server)), 'false false');
    t.equal(
      resumed(await meet(clientOf({ sessions, ca: [root.der] }), server)),
      'true true',
      'the same trust, written otherwise',
    );
  });

  t.test(`S3 (node): ${version}: a chain that has expired since is not resumed, on either side`, async (t) => {
    const sessions = memorySessions();
    const factory = clientOf({ sessions, credentials: credentials(client) });
    const server = serverOf(version, { clientAuth: 'require', clientCa: root.pem });
    await meet(factory, server);
    t.ok(sessions.size > 0);
    const later = { wallClock: () => Date.now() + 40 * day };
    const expired = await meet(factory, server, { server: later });
    t.not(expired.client.negotiated?.resumed, true, 'a full handshake says it');
    t.match(expired.server.error, { reason: 'expired' });
    t.equal(expired.server.negotiated, undefined);
    sessions.clear();
    await meet(factory, server);
    const dropped = await meet(factory, server, { client: later });
    t.not(dropped.server.negotiated?.resumed, true, 'it was not even offered');
    t.match(dropped.client.error, { reason: 'expired' });
  });

  t.test(
    `S2 (node): ${version}: whom OpenSSL refuses in a full handshake has no ticket to come back with`,
    async (t) => {
      // The leaf's path leads to an anchor, but through a certificate that is no authority's: a ticket would not show that.
      const pinned = issue({ usage: 'clientAuth' });
      const below = issue({ issuer: pinned, usage: 'clientAuth' });
      const server = serverOf(version, { clientAuth: 'require', clientCa: pinned.pem });
      const sessions = memorySessions();
      const factory = clientOf({ sessions, credentials: credentials(below) });
      for (let visits = 0; visits < 2; visits++) {
        const refused = await meet(factory, server);
        t.match(refused.server.error, { name: 'CertificateError', reason: 'wrong-usage' });
        t.notOk(refused.client.events.some(({ type }) => type === 'ticket'));
        t.equal(sessions.size, 0);
      }
      await meet(clientOf({ sessions, credentials: credentials(pinned) }), server);
      t.ok(sessions.size > 0, 'whoever is trusted has one');
    },
  );

  t.test(`${version}: a resumed client's whole chain is judged again, by way of its intermediate`, async (t) => {
    const leaf = issue({ issuer: intermediate, usage: 'clientAuth' });
    const server = serverOf(version, { clientAuth: 'require', clientCa: root.pem });
    const factory = clientOf({ credentials: credentials(leaf) });
    const first = await meet(factory, server);
    const second = await meet(factory, server);
    t.equal(resumed(second), 'true true');
    t.equal(second.server.negotiated?.peer.verification, 'passed');
    t.same(second.server.negotiated?.peer.chain, first.server.negotiated?.peer.chain);
  });

  t.test(`R13 (node): ${version}: tickets beyond maxTickets are ignored`, async (t) => {
    const sessions = memorySessions();
    const limited = await meet(clientOf({ sessions }), serverOf(version), { client: { limits: { maxTickets: 0 } } });
    t.equal(sessions.size, 0);
    t.ok(limited.client.events.some((event) => event.type === 'ticket' && !event.kept));
  });
}

t.test('S7 (node): a store of sessions is bounded', async (t) => {
  const sessions = memorySessions({ max: 3 });
  const server = serverOf('TLSv1.3');
  for (const port of [1, 2, 3, 4]) await meet(clientOf({ sessions, port }), server);
  t.equal(sessions.size, 3);
  t.equal(resumed(await meet(clientOf({ sessions, port: 1 }), server)), 'false false', 'the oldest are gone');
});

t.test(
  'S4 (node): ticket keys of zeros, short ones and repeated bytes are refused; without any, factories share none',
  async (t) => {
    for (const ticketKeys of [
      Buffer.alloc(48),
      Buffer.alloc(48, 7),
      Buffer.alloc(47, 1),
      'x'.repeat(48),
      [] as unknown,
    ])
      t.throws(() => serverOf('TLSv1.3', { ticketKeys: ticketKeys as Uint8Array }), { name: 'ApiMisuseError' });
    const sessions = memorySessions();
    await meet(clientOf({ sessions }), serverOf('TLSv1.3'));
    t.equal(resumed(await meet(clientOf({ sessions }), serverOf('TLSv1.3'))), 'false false');
  },
);

// --- Node's own behaviour: each of its holes, shown open in Node and shut here ---

interface Heard {
  readonly resumed: boolean;
  readonly authorized: boolean;
}

/** One connection by node:tls alone. */
async function plain(
  server: tls.TlsOptions,
  options: tls.ConnectionOptions,
  signal: AbortSignal = AbortSignal.timeout(500),
): Promise<{ server: Heard; client: Heard; session: Buffer | undefined }> {
  const listener = tls.createServer(server);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const accepted = once(listener, 'secureConnection', { signal }) as Promise<[tls.TLSSocket]>;
  accepted.catch(() => {
    socket.destroy();
    listener.close();
  });
  const socket = tls.connect({ host: '127.0.0.1', port: (listener.address() as AddressInfo).port, ...options });
  let session: Buffer | undefined;
  socket.on('session', (bytes) => (session = bytes));
  socket.on('error', () => undefined);
  socket.resume();
  const [peer] = await accepted;
  peer.on('error', () => undefined);
  peer.resume();
  const heard = { resumed: peer.isSessionReused(), authorized: peer.authorized };
  peer.end('x');
  await once(socket, 'end');
  const own = { resumed: socket.isSessionReused(), authorized: socket.authorized };
  socket.destroy();
  listener.close();
  return { server: heard, client: own, session };
}

const node = { cert: host.pem, key: host.keyPem };
const ticketKeys = Buffer.from(Array.from({ length: 48 }, (_, i) => 255 - i));

t.test(
  "hole in Node: Node's server resumes as authorized what was made under another authority; ours does not",
  async (t) => {
    const mine = { cert: client.pem, key: client.keyPem, ca: root.pem, servername: 'host.test' };
    const asking = { ...node, requestCert: true, rejectUnauthorized: true, ticketKeys, ca: root.pem };
    const first = await plain(asking, mine);
    const second = await plain({ ...asking, ca: otherRoot.pem }, { ...mine, session: first.session });
    t.same(second.server, { resumed: true, authorized: true }, 'Node resumes it');
  },
);

t.test(
  "hole in Node: Node's client resumes under another name and authority as authorized; ours offers nothing",
  async (t) => {
    const first = await plain({ ...node, ticketKeys }, { ca: root.pem, servername: 'host.test' });
    const second = await plain(
      { ...node, ticketKeys },
      { ca: otherRoot.pem, servername: 'wrong.test', session: first.session },
    ).catch(() => undefined);
    if (process.version.startsWith('v20.'))
      t.same(second?.client, { resumed: true, authorized: true }, 'Node resumes it');
    else t.comment(`Node ${process.version}: ${JSON.stringify(second?.client)}`);
  },
);

t.test(
  'hole in Node: on Node 20 a ticket from a server without client authentication resumes where it is required',
  async (t) => {
    const first = await plain({ ...node, ticketKeys }, { ca: root.pem, servername: 'host.test' });
    const second = plain(
      { ...node, ticketKeys, requestCert: true, rejectUnauthorized: true, ca: root.pem },
      { ca: root.pem, servername: 'host.test', session: first.session },
    );
    const outcome = await second.catch(() => undefined);
    if (process.version.startsWith('v20.'))
      t.match(outcome?.server, { resumed: true }, 'Node resumes it without a certificate');
    else t.comment(`Node ${process.version}: ${JSON.stringify(outcome?.server)}`);
    // Ours: S1 above; and a ticket of a plain Node server with the same keys means nothing to our server.
    const ours = pair(
      rawClient(first.session ?? Buffer.alloc(0), 'host.test'),
      serverOf('TLSv1.3', { ticketKeys, clientAuth: 'require', clientCa: root.pem }),
    );
    await ours.run();
    t.match(ours.server.error, { reason: 'missing' });
    t.equal(ours.server.negotiated, undefined);
    ours.destroy();
  },
);

t.test('hole in Node: Node accepts ticket keys of zeros', async (t) => {
  t.doesNotThrow(() => tls.createServer({ ...node, ticketKeys: Buffer.alloc(48) }));
});

// --- a client that offers any session to anybody, as an attacker would ---

function rawClient(session: Buffer | undefined, servername: string, seen: Buffer[] = []): TlsEngineFactory<'client'> {
  const make = ((sink: TlsEngineSink) => {
    const wire = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        sink.ciphertext(chunk);
        done();
      },
    });
    const socket = tls.connect({
      socket: wire,
      servername,
      rejectUnauthorized: false,
      ...(session ? { session } : {}),
    });
    socket.on('error', () => undefined);
    socket.on('session', (bytes) => seen.push(bytes));
    socket.resume();
    return {
      receiveCiphertext: (bytes: Uint8Array) => void wire.push(bytes),
      receiveEnd: () => undefined,
      sendPlaintext: () => undefined,
      sendCloseNotify: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
      abort: () => undefined,
      destroy: () => socket.destroy(),
    };
  }) as unknown as TlsEngineFactory<'client'>;
  return make;
}

async function rawSession(server: TlsEngineFactory<'server'>, servername: string): Promise<Buffer> {
  const seen: Buffer[] = [];
  const connection = pair(rawClient(undefined, servername, seen), server);
  await connection.run();
  connection.destroy();
  return seen.at(-1) ?? Buffer.alloc(0);
}

async function resumes(
  server: TlsEngineFactory<'server'>,
  session: Buffer,
  servername: string,
): Promise<boolean | undefined> {
  const connection = pair(rawClient(session, servername), server);
  await connection.run();
  connection.destroy();
  return connection.server.negotiated?.resumed;
}
