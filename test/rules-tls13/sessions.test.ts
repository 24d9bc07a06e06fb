// Rows S1 to S5 of the checklist over tls13Engine. Early data (S6) are never offered nor taken here; a server keeps nothing (S7).
import { memorySessions, type Tls13ClientOptions, type Tls13ServerOptions } from '@rxtls/engine-tls13/node';
import t from 'tap';
import { issue, now } from '../../packages/engine-tls13/test/certificate-pki.ts';
import {
  both,
  type Both,
  carry,
  client,
  clientLeaf,
  credentials,
  End,
  type EndOptions,
  otherRoot,
  root,
  seededBytes,
  server,
} from '../../packages/engine-tls13/test/ends.ts';
import { readClientHello } from '../../packages/engine-tls13/src/handshake/read-client-hello.ts';
import { RawPeer } from '../../packages/engine-tls13/test/raw-peer.ts';

const day = 24 * 3_600_000;
const ticketKeys = seededBytes(50)(48);
const twoNames = issue({ issuer: root, dns: ['host.test', 'other.test'], usage: ['serverAuth'] });
const clientOf = (options: Partial<Tls13ClientOptions> = {}) => client({ sessions: memorySessions(), ...options });
const serverOf = (options: Partial<Tls13ServerOptions> = {}) => server({ ticketKeys, ...options });
const meet = (
  factory: ReturnType<typeof client>,
  theirs: ReturnType<typeof server>,
  ends: { client?: EndOptions; server?: EndOptions } = {},
): Both => both({ client: factory, server: theirs }, ends);
const resumed = ({ client: c, server: s }: Both): string =>
  `${c.negotiated?.resumed ?? c.error?.name} ${s.negotiated?.resumed ?? s.error?.name}`;

interface Taken {
  readonly ticket: Uint8Array;
  readonly key: Uint8Array;
  readonly ageAdd: number;
  /** Seconds. */
  readonly lifetime: number;
}
/** Tickets as somebody keeps them who would offer them to anybody. */
function tickets(factory: ReturnType<typeof server>, raw = {}, end: EndOptions = {}): readonly Taken[] {
  const peer = new RawPeer('client', { issued: clientLeaf, ...raw }).start();
  carry(new End(factory, end), peer);
  return peer.messages
    .filter(([kind]) => kind === 4)
    .map((message) => {
      const nonce = message.slice(13, 13 + message[12]!);
      const at = 13 + nonce.length;
      const length = (message[at]! << 8) + message[at + 1]!;
      const lifetime = Buffer.from(message).readUInt32BE(4);
      return { ticket: message.slice(at + 2, at + 2 + length), key: peer.psk(nonce), ageAdd: 0, lifetime };
    });
}
/** What comes of a ticket offered by a client that checks nothing. */
function offered(factory: ReturnType<typeof server>, taken: Taken, raw = {}, options: EndOptions = {}): End {
  const psks = [{ kind: 'resumption', identity: taken.ticket, key: taken.key }] as const;
  const end = new End(factory, options);
  carry(end, new RawPeer('client', { issued: clientLeaf, psks, ...raw }).start());
  return end;
}

const require = { clientAuth: 'require', clientCa: root.pem } as const;

t.test('S1 (tls13) a ticket never crosses to other client authentication or trust', async (t) => {
  const plain = serverOf();
  const [taken] = tickets(plain);
  t.equal(offered(plain, taken!).negotiated?.resumed, true, 'it is good where it was made');
  t.equal(offered(serverOf(), taken!).negotiated?.resumed, true, 'and at a server of the same policy and keys');
  const required = offered(serverOf(require), taken!);
  t.equal(required.negotiated?.resumed, false, 'where a certificate is required it is not taken: one is asked for');
  t.equal(required.negotiated?.peer.verification, 'passed');
  t.equal(offered(serverOf({ ...require, clientAuth: 'request' }), taken!).negotiated?.resumed, false);
  const none = offered(serverOf(require), taken!, {
    alter: (step: string, m: Uint8Array) =>
      step === 'Certificate' ? Uint8Array.of(11, 0, 0, 4, 0, 0, 0, 0) : step === 'CertificateVerify' ? [] : m,
  });
  t.match(none.error, { reason: 'missing' });
  const [proved] = tickets(serverOf(require));
  t.equal(offered(serverOf(require), proved!).negotiated?.resumed, true);
  t.match(offered(serverOf({ ...require, clientCa: otherRoot.pem }), proved!).error, { reason: 'unknown-authority' });
  t.equal(offered(serverOf(), proved!).negotiated?.resumed, false);
  t.equal(offered(serverOf({ alpnProtocols: ['a'] }), taken!).negotiated?.resumed, false, 'nor to other protocols');
});

t.test('S1 (tls13) virtual hosts and names share no tickets, on either side', async (t) => {
  const own = credentials(twoNames);
  const hosts = serverOf({ serverNames: { 'host.test': own, 'other.test': own } });
  const [taken] = tickets(hosts);
  t.equal(offered(hosts, taken!).negotiated?.resumed, true);
  const crossed = offered(hosts, taken!, { serverName: 'other.test' });
  t.equal(crossed.negotiated?.resumed, false);
  t.equal(crossed.negotiated?.serverName, 'other.test');
  const one = serverOf({ credentials: own });
  t.equal(
    offered(one, tickets(one)[0]!, { serverName: 'other.test' }).negotiated?.resumed,
    false,
    'nor names of one host',
  );
  const sessions = memorySessions();
  t.equal(resumed(meet(clientOf({ sessions }), one)), 'false false');
  t.equal(resumed(meet(clientOf({ sessions, serverName: 'other.test' }), one)), 'false false');
  t.equal(resumed(meet(clientOf({ sessions, port: 444 }), one)), 'false false');
  t.equal(resumed(meet(clientOf({ sessions }), one)), 'true true');
});

t.test('S1 (tls13) a ticket resumes with any suite of its hash, and with no other (RFC 8446 §4.6.1)', async (t) => {
  const sessions = memorySessions();
  const cipherSuites = ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_AES_128_GCM_SHA256'] as const;
  const factory = clientOf({ sessions, cipherSuites });
  const only = (suite: (typeof cipherSuites)[number]) => serverOf({ cipherSuites: [suite] });
  t.equal(resumed(meet(factory, only('TLS_AES_128_GCM_SHA256'))), 'false false');
  const other = meet(factory, only('TLS_CHACHA20_POLY1305_SHA256'));
  t.equal(resumed(other), 'true true', 'another suite of the same hash');
  t.equal(other.client.negotiated?.cipherSuite, 'TLS_CHACHA20_POLY1305_SHA256');
  t.equal(resumed(meet(factory, only('TLS_AES_256_GCM_SHA384'))), 'false false', 'another hash: a full handshake');
  t.equal(resumed(meet(factory, only('TLS_AES_256_GCM_SHA384'))), 'true true');
});

t.test('S2 (tls13) new trust, on either side, leaves old sessions behind', async (t) => {
  const sessions = memorySessions();
  const mine = { sessions, credentials: credentials(clientLeaf) };
  meet(clientOf(mine), serverOf(require));
  t.match(meet(clientOf({ ...mine, ca: otherRoot.pem }), serverOf(require)).client.error, {
    reason: 'unknown-authority',
  });
  t.equal(resumed(meet(clientOf({ ...mine, ca: [root.pem, otherRoot.pem] }), serverOf(require))), 'false false');
  t.equal(
    resumed(
      meet(clientOf({ ...mine, verify: () => true }), serverOf({ ...require, clientAuth: 'request' })),
    ).startsWith('true'),
    false,
  );
  const rotated = meet(clientOf(mine), serverOf({ ...require, clientCa: [root.pem, otherRoot.pem] }));
  t.equal(resumed(rotated), 'false false', 'a client authority more: a full handshake');
  const removed = meet(clientOf(mine), serverOf({ ...require, clientCa: otherRoot.pem }));
  t.match(removed.server.error, { reason: 'unknown-authority' });
  t.equal(removed.server.negotiated, undefined);
  meet(clientOf(mine), serverOf(require));
  t.equal(
    resumed(meet(clientOf({ ...mine, ca: root.der }), serverOf(require))),
    'true true',
    'the same trust, written otherwise',
  );
});

t.test('S3 (tls13) a chain that has expired since is not resumed, on either side', async (t) => {
  const briefly = { issuer: root, from: now - day, to: now + 2 * day };
  const at = (time: number): EndOptions => ({ wallClock: () => time });
  const shortClient = issue({ ...briefly, dns: ['client.test'], usage: ['clientAuth'] });
  const [taken] = tickets(serverOf(require), { issued: shortClient });
  t.equal(offered(serverOf(require), taken!, {}, at(now + day)).negotiated?.resumed, true, 'while it is valid');
  const after = offered(serverOf(require), taken!, { issued: shortClient }, at(now + 3 * day));
  t.match(after.error, { reason: 'expired' });
  t.equal(after.negotiated, undefined);
  // A client: the server's chain has expired, the ticket has not.
  const sessions = memorySessions();
  const factory = clientOf({ sessions });
  const shortServer = serverOf({ credentials: credentials(issue({ ...briefly, dns: ['host.test'] })) });
  meet(factory, shortServer);
  t.ok(sessions.size > 0);
  const late = meet(factory, shortServer, { client: at(now + 3 * day), server: at(now + day) });
  t.match(late.client.error, { reason: 'expired' });
  t.not(late.server.negotiated?.resumed, true);
  // Seven days from the first full handshake, however often it was resumed since.
  let [kept] = tickets(serverOf());
  for (let days = 1; days < 7; days++) {
    const psks = [{ kind: 'resumption', identity: kept!.ticket, key: kept!.key }] as const;
    const again = tickets(serverOf(), { psks }, at(now + days * day));
    t.ok(again.length > 0, `day ${days}`);
    [kept] = again;
  }
  t.equal(offered(serverOf(), kept!, {}, at(now + 7 * day - 1_000)).negotiated?.resumed, true);
  t.equal(offered(serverOf(), kept!, {}, at(now + 7 * day)).negotiated?.resumed, false);
  // Nor does one whose clock is behind say more.
  const [ahead] = tickets(serverOf());
  const psks = [{ kind: 'resumption', identity: ahead!.ticket, key: ahead!.key }] as const;
  t.same(
    tickets(serverOf(), { psks }, at(now - 5_000)).map(({ lifetime }) => lifetime),
    [7 * 24 * 3_600],
  );
});

t.test('S4 (tls13) there is no static ticket key: keys rotate, and what is no key is refused', async (t) => {
  for (const bad of [new Uint8Array(48), new Uint8Array(48).fill(7), seededBytes(1)(31), 'x'.repeat(48), [], null, 0])
    t.throws(() => server({ ticketKeys: bad as Uint8Array }), { name: 'ApiMisuseError' });
  const nameOf = ({ ticket }: Taken): string => Buffer.from(ticket.subarray(0, 16)).toString('hex');
  for (const [what, make] of Object.entries({ random: () => server(), 'from a secret': () => serverOf() })) {
    const factory = make();
    const seen = new Set<string>();
    const [first] = tickets(factory);
    for (let hours = 0; hours < 96; hours += 12)
      for (const taken of tickets(factory, {}, { wallClock: () => now + hours * 3_600_000 })) seen.add(nameOf(taken));
    t.equal(seen.size, 8, `${what}: a new key every twelve hours`);
    t.notOk(seen.has('0'.repeat(32)));
    const at = (time: number): EndOptions => ({ wallClock: () => time });
    t.equal(
      offered(factory, first!, {}, at(now + 4 * day)).negotiated?.resumed,
      true,
      `${what}: the old key still opens`,
    );
    t.equal(offered(factory, first!, {}, at(now + 8 * day)).negotiated?.resumed, false, `${what}: for seven days`);
  }
  const [foreign] = tickets(server(), {}, { seed: 5 });
  t.equal(
    offered(server(), foreign!, {}, { seed: 6 }).negotiated?.resumed,
    false,
    'factories share no key of their own',
  );
  const [good] = tickets(serverOf());
  for (let at = 0; at < good!.ticket.length; at += 7) {
    const ticket = good!.ticket.slice();
    ticket[at]! ^= 1;
    const end = offered(serverOf(), { ...good!, ticket });
    if (end.negotiated?.resumed !== false) t.fail(`a ticket with byte ${at} changed: ${end.error?.message}`);
  }
  // The nonce under one key is random, and never the same twice.
  const factory = server();
  const nonces = Array.from({ length: 20 }, (_, seed) => tickets(factory, {}, { seed: seed + 10 }))
    .flat()
    .map(({ ticket }) => Buffer.from(ticket.subarray(16, 28)).toString('hex'));
  t.equal(new Set(nonces).size, nonces.length);
});

t.test('S5 (tls13) a client hands each ticket out once, and two connections never show the same', async (t) => {
  const sessions = memorySessions();
  const factory = clientOf({ sessions });
  const host = serverOf();
  meet(factory, host);
  const kept = sessions.size;
  t.equal(kept, 2);
  const shown: (string | undefined)[] = [];
  for (let connection = 0; connection < 4; connection++) {
    const end = new End(factory);
    const { psks } = readClientHello(end.take().subarray(9));
    shown.push(psks && Buffer.from(psks.identities[0]!.identity).toString('hex'));
    t.equal(sessions.size, Math.max(0, kept - 1 - connection), 'taken when it is offered, whatever comes of it');
    end.engine.destroy();
  }
  t.equal(new Set(shown.slice(0, kept)).size, kept, 'each another one');
  t.same(shown.slice(kept), [undefined, undefined], 'and none twice');
  t.equal(sessions.size, 0);
  const first = meet(factory, host);
  t.equal(resumed(first), 'false false', 'all are used up');
  for (let round = 0; round < 5; round++)
    t.equal(resumed(meet(factory, host)), 'true true', 'and new ones come each time');
});
