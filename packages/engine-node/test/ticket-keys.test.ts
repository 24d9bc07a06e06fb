// Tickets across factories ("machines") with equal keys, and across a rotation of the keys.
import { defaultLimits, offeredTickets, type TlsEngineFactory, type TlsVersion } from '@rxtls/core/engine';
import t from 'tap';
import { memorySessions, type NodeClientOptions, type NodeServerOptions, nodeEngine } from '../src/index.ts';
import { sessionLeaf } from '../src/session-leaf.ts';
import { TicketKey } from '../src/ticket-key.ts';
import { End, type EndOptions, type Pair, pair, pieces, whole } from './harness.ts';
import { client, credentials, host, intermediate, issue, otherRoot, root } from './pki.ts';

const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3'];
const key = (seed: number): Uint8Array => Uint8Array.from({ length: 48 }, (_, at) => (at * 5 + seed * 11) & 0xff);
const [first, second, third] = [key(1), key(2), key(3)];
const twoNames = issue({ issuer: root, dns: ['host.test', 'other.test'], usage: 'serverAuth' });
const behind = issue({ issuer: intermediate, usage: 'clientAuth' });
const require = { clientAuth: 'require', clientCa: root.pem } as const;

const clientOf = (options: Partial<NodeClientOptions> = {}): TlsEngineFactory<'client'> =>
  nodeEngine.client({ serverName: 'host.test', ca: root.pem, ...options });
const serverOf = (version: TlsVersion, options: Partial<NodeServerOptions> = {}): TlsEngineFactory<'server'> =>
  nodeEngine.server({ credentials: credentials(host), minVersion: version, maxVersion: version, ...options });

async function meet(
  mine: TlsEngineFactory<'client'>,
  theirs: TlsEngineFactory<'server'>,
  options: { client?: EndOptions; server?: EndOptions; byOne?: boolean } = {},
): Promise<string> {
  const connection = pair(mine, theirs, { ...options, chunking: options.byOne ? pieces(() => 1) : whole });
  await connection.run();
  if (connection.client.ready?.maySend && connection.server.ready?.maySend) {
    connection.client.engine.sendCloseNotify();
    connection.server.engine.sendCloseNotify();
    await connection.run();
  }
  connection.destroy();
  return outcome(connection);
}
const outcome = ({ client: mine, server: theirs }: Pair): string =>
  `${mine.negotiated?.resumed ?? mine.error?.name} ${theirs.negotiated?.resumed ?? theirs.error?.name}`;

/** The ticket that the next connection shows; it is taken out of the store. */
function shownTicket(factory: TlsEngineFactory<'client'>): Uint8Array {
  const end = new End(factory);
  const hello = end.take();
  end.engine.destroy();
  const [ticket] = offeredTickets({ message: hello.subarray(5, 9 + hello.readUIntBE(6, 3)) }, 1);
  return new Uint8Array(ticket ?? []);
}
const nameOf = (ticket: Uint8Array): string => Buffer.from(ticket.subarray(0, 16)).toString('hex');

for (const version of versions) {
  t.test(`S4 (node): ${version}: servers with equal keys resume one another's sessions`, async (t) => {
    const machines = [
      first,
      { current: first },
      { current: first, previous: [second] },
      { current: third, previous: [second, first] },
    ];
    for (const [made, from] of machines.entries())
      for (const [resumes, to] of machines.entries()) {
        // What is sealed under the third key opens only where that is known.
        if (made === 3 && resumes !== 3) continue;
        const mine = clientOf();
        t.equal(await meet(mine, serverOf(version, { ticketKeys: from })), 'false false');
        t.equal(
          await meet(mine, serverOf(version, { ticketKeys: to })),
          'true true',
          `made by ${made}, resumed by ${resumes}`,
        );
      }
    const stranger = clientOf();
    await meet(stranger, serverOf(version, { ticketKeys: first }));
    t.equal(
      await meet(stranger, serverOf(version, { ticketKeys: { current: second, previous: [third] } })),
      'false false',
    );
  });

  t.test(
    `S4 (node): ${version}: a ticket outlives a rotation, and its resumptions do not outlive the key`,
    async (t) => {
      const sessions = memorySessions();
      const mine = clientOf({ sessions });
      const before = serverOf(version, { ticketKeys: { current: first } });
      await meet(mine, before);
      const name = nameOf(shownTicket(mine));
      sessions.clear();
      await meet(mine, before);
      const rotated = serverOf(version, { ticketKeys: { current: second, previous: [first] } });
      const kept = sessions.size;
      t.equal(await meet(mine, rotated), 'true true');
      t.equal(sessions.size, kept - 1, 'a resumption brings no new ticket: no chain of them outlives the key');
      sessions.clear();
      await meet(mine, before);
      const dropped = serverOf(version, { ticketKeys: { current: third, previous: [second] } });
      t.equal(await meet(mine, dropped), 'false false', 'gone with the key');
      const fresh = nameOf(shownTicket(mine));
      t.match(fresh, /^[0-9a-f]{32}$/);
      t.not(fresh, name, 'a new session is sealed under the current key');
      sessions.clear();
      await meet(mine, dropped);
      t.equal(await meet(mine, serverOf(version, { ticketKeys: third })), 'true true');
    },
  );

  t.test(
    `S4 (node): ${version}: a client without a ticket, or with anybody's, gets one under the current key`,
    async (t) => {
      const rotated = serverOf(version, { ticketKeys: { current: second, previous: [first] } });
      for (const issuer of [undefined, serverOf(version)]) {
        const mine = clientOf();
        if (issuer !== undefined) await meet(mine, issuer);
        t.equal(await meet(mine, rotated), 'false false');
        t.equal(await meet(mine, serverOf(version, { ticketKeys: second })), 'true true');
      }
    },
  );

  t.test(`S1 (node): ${version}: another policy resumes nothing, under any of its keys`, async (t) => {
    const ticketKeys = { current: second, previous: [first] };
    const policies: Partial<NodeServerOptions>[] = [
      {},
      require,
      { ...require, clientAuth: 'request' },
      { ...require, clientCa: [root.pem, otherRoot.pem] },
      { alpnProtocols: ['a'] },
      { credentials: credentials(twoNames), serverNames: { 'host.test': credentials(host) } },
    ];
    for (const [made, from] of policies.entries())
      for (const [offered, to] of policies.entries())
        if (made === 0 || offered === 0 || made === offered) {
          const mine = clientOf({ credentials: credentials(client), alpnProtocols: ['a'] });
          await meet(mine, serverOf(version, { ...from, ticketKeys: first }));
          const expected = made === offered ? 'true true' : 'false false';
          t.equal(await meet(mine, serverOf(version, { ...to, ticketKeys })), expected, `policy ${made} at ${offered}`);
        }
  });

  t.test(`S2 (node): ${version}: what a server no longer speaks is not spoken in resumptions either`, async (t) => {
    const suite = version === 'TLSv1.2' ? 'ECDHE-ECDSA-AES128-SHA' : 'TLS_CHACHA20_POLY1305_SHA256';
    const other = version === 'TLSv1.2' ? 'ECDHE-ECDSA-AES128-GCM-SHA256' : 'TLS_AES_128_GCM_SHA256';
    for (const [before, after] of [
      [{ ciphers: suite }, { ciphers: other }],
      [{ groups: 'P-384' }, { groups: 'X25519' }],
      [{ signatureAlgorithms: 'ECDSA+SHA256:ECDSA+SHA384' }, { signatureAlgorithms: 'ECDSA+SHA256' }],
    ] as Partial<NodeServerOptions>[][]) {
      const mine = clientOf({ ciphers: [suite, other] });
      await meet(mine, serverOf(version, { ...before, ticketKeys: first }));
      t.equal(await meet(mine, serverOf(version, { ...after, ticketKeys: first })), 'false false');
      t.equal(await meet(mine, serverOf(version, { ...after, ticketKeys: first })), 'true true');
    }
  });

  t.test(`S1 (node): ${version}: virtual hosts keep their tickets apart across a rotation`, async (t) => {
    const own = credentials(twoNames);
    const hosts = { credentials: own, serverNames: { 'host.test': own, '*.test': own }, requireServerName: true };
    const before = serverOf(version, { ...hosts, ticketKeys: { current: first } });
    const after = serverOf(version, { ...hosts, ticketKeys: { current: second, previous: [first] } });
    for (const serverName of ['host.test', 'other.test']) {
      const mine = clientOf({ serverName });
      await meet(mine, before);
      t.equal(await meet(mine, after), 'true true', serverName);
    }
    t.equal(
      await meet(clientOf({ serverName: 'stranger.example' }), after),
      'AlertReceivedError PeerIncompatibleError',
      'a name that is not served',
    );
  });

  t.test(`S4 (node): ${version}: a hello in single bytes finds its key, and renegotiation keeps it`, async (t) => {
    const mine = clientOf();
    await meet(mine, serverOf(version, { ticketKeys: first }));
    const rotated = serverOf(version, { ticketKeys: { current: second, previous: [first] } });
    t.equal(await meet(mine, rotated, { byOne: true }), 'true true');
    const again = clientOf();
    await meet(again, serverOf(version, { ticketKeys: first }));
    t.equal(await meet(again, rotated, { server: { limits: { renegotiation: { max: 1 } } } }), 'true true');
  });

  t.test(`S3 (node): ${version}: a client behind an intermediate is never refused for its ticket`, async (t) => {
    const ticketKeys = { current: first };
    const one = serverOf(version, { ...require, ticketKeys });
    const other = serverOf(version, { ...require, ticketKeys });
    const rotated = serverOf(version, { ...require, ticketKeys: { current: second, previous: [first] } });
    const mine = clientOf({ credentials: credentials(behind) });
    t.equal(await meet(mine, one), 'false false');
    t.equal(await meet(mine, one), 'true true', 'where its chain was proved');
    t.equal(await meet(mine, other), 'false false', 'another machine knows its leaf alone: a full handshake');
    t.equal(await meet(mine, other), 'true true');
    t.equal(await meet(mine, rotated), 'false false', 'and so does the next factory');
    t.equal(await meet(mine, rotated), 'true true');
    t.equal(await meet(mine, one), 'false false');
    t.equal(await meet(mine, one), 'true true');
    // To and fro, as behind a balancer: at the worst without resumption.
    for (const server of [other, one, rotated, rotated, other, one, one, other])
      t.match(await meet(mine, server), /^(true true|false false)$/);
    for (const server of [other, rotated]) {
      const below = clientOf({ credentials: credentials(client) });
      await meet(below, one);
      t.equal(await meet(below, server), 'true true', 'a leaf right below an anchor resumes anywhere');
    }
  });

  t.test(
    `S3 (node): ${version}: request: who showed no certificate resumes anywhere, whoever showed one is judged`,
    async (t) => {
      const request = { clientAuth: 'request', clientCa: root.pem, ticketKeys: { current: first } } as const;
      const none = clientOf();
      await meet(none, serverOf(version, request));
      t.equal(await meet(none, serverOf(version, request)), 'true true');
      const mine = clientOf({ credentials: credentials(behind) });
      await meet(mine, serverOf(version, request));
      t.equal(await meet(mine, serverOf(version, request)), 'false false');
    },
  );

  t.test(
    `K4 (node): ${version}: a client's certificate is sealed in its ticket, and a key of another policy opens nothing`,
    async (t) => {
      const sessions = memorySessions();
      const mine = clientOf({ sessions, credentials: credentials(behind) });
      await meet(mine, serverOf(version, { ...require, ticketKeys: first }));
      const ticket = shownTicket(mine);
      const stranger = new TicketKey(first, 'another policy');
      t.equal(stranger.isNamedBy(ticket), false);
      t.equal(stranger.open(ticket), undefined);
      t.equal(stranger.open(new Uint8Array(0)), undefined);
      t.ok(ticket.length > 16 + 16 + 32 + behind.der.length, 'the leaf is in it');
      t.equal(Buffer.from(ticket).includes(behind.der), false, 'sealed');
    },
  );
}

t.test('K4 (node): a ticket key opens what was sealed under it, whole', async (t) => {
  const { createCipheriv, createHmac, randomBytes } = await import('node:crypto');
  const ticketKey = new TicketKey(first, 'policy');
  const bytes = ticketKey.copy();
  const session = Buffer.concat([Buffer.from('308200', 'hex'), randomBytes(200)]);
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-128-cbc', bytes.subarray(32), iv);
  const sealed = Buffer.concat([bytes.subarray(0, 16), iv, cipher.update(session), cipher.final()]);
  const mac = (content: Buffer): Buffer => createHmac('sha256', bytes.subarray(16, 32)).update(content).digest();
  const ticket = Buffer.concat([sealed, mac(sealed)]);
  t.same(ticketKey.open(ticket), session);
  for (let at = 0; at < ticket.length; at++) {
    const changed = Buffer.from(ticket);
    changed[at]! ^= 1;
    if (ticketKey.open(changed) !== undefined) t.fail(`byte ${at} changed`);
    if (ticketKey.open(ticket.subarray(0, at)) !== undefined) t.fail(`cut at ${at}`);
  }
  const odd = sealed.subarray(0, sealed.length - 1);
  t.equal(ticketKey.open(Buffer.concat([odd, mac(odd)])), undefined, 'no whole number of blocks');
  bytes.fill(0);
  t.equal(ticketKey.isNamedBy(ticket), true, 'a copy may be wiped');
  t.notMatch(JSON.stringify(ticketKey), /\d/);
});

t.test('a session of OpenSSL holds the leaf of its peer; what is no session is unreadable', async (t) => {
  const der = (tag: number, content: Uint8Array): Buffer => {
    const n = content.length;
    return Buffer.concat([Buffer.from([tag, 0x82, n >> 8, n & 255]), content]);
  };
  const version = Buffer.from([2, 1, 1]);
  const tls = Buffer.from([2, 2, 3, 4]);
  const time = Buffer.from([0xa1, 3, 2, 1, 9]);
  const peer = der(0xa3, client.der);
  const session = (...fields: Buffer[]): Buffer => der(0x30, Buffer.concat(fields));
  t.same(sessionLeaf(session(version, tls, time, peer)), new Uint8Array(client.der));
  t.equal(sessionLeaf(session(version, tls, time)), undefined);
  const wrong = [
    Buffer.alloc(0),
    session(),
    session(Buffer.from([2, 1, 2]), tls, peer),
    session(tls, peer),
    session(version, tls, der(0xa3, Buffer.concat([client.der, client.der]))),
    session(version, tls, der(0xa3, Buffer.alloc(0))),
    session(version, tls, peer).subarray(1),
    Buffer.concat([session(version, tls, peer), Buffer.from([0])]),
    session(version, Buffer.from([0x30, 9, 1])),
  ];
  for (const bytes of wrong) t.equal(sessionLeaf(bytes), 'unreadable', bytes.subarray(0, 20).toString('hex'));
});

t.test('S4 (node): a hello that cannot be read fails as it does with one key', async (t) => {
  const extension = (type: number, data: readonly number[]): number[] => [
    0,
    type,
    data.length >> 8,
    data.length & 255,
    ...data,
  ];
  const hello = (...extensions: number[][]): Uint8Array => {
    const all = extensions.flat();
    const body = [
      3,
      3,
      ...Array<number>(32).fill(5),
      0,
      0,
      2,
      0x13,
      1,
      1,
      0,
      all.length >> 8,
      all.length & 255,
      ...all,
    ];
    const message = [1, 0, body.length >> 8, body.length & 255, ...body];
    return Uint8Array.from([22, 3, 1, message.length >> 8, message.length & 255, ...message]);
  };
  const versions13 = extension(43, [2, 3, 4]);
  const bad: Record<string, Uint8Array> = {
    'an extension twice': hello(versions13, versions13),
    'a pre_shared_key that is none': hello(versions13, extension(45, [1, 1]), extension(41, [0, 9, 0, 1, 1])),
    'an empty pre_shared_key': hello(versions13, extension(45, [1, 1]), extension(41, [])),
    'no TLS': Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  };
  for (const [what, bytes] of Object.entries(bad)) {
    const outcomes: string[] = [];
    for (const options of [{ ticketKeys: first }, { ticketKeys: { current: second, previous: [first] } }, require]) {
      const end = new End(nodeEngine.server({ credentials: credentials(host), ...options }), { limits: defaultLimits });
      end.give(bytes);
      for (let turns = 0; turns < 8; turns++) await new Promise((resolve) => setImmediate(resolve));
      t.equal(end.negotiated, undefined);
      outcomes.push(`${end.error?.name} ${end.error?.alert} ${end.take().toString('hex')}`);
      end.engine.destroy();
    }
    t.match(outcomes[0], /Error/, what);
    t.same(outcomes, [outcomes[0], outcomes[0], outcomes[0]], what);
  }
});
