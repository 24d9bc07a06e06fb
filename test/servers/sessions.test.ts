// Rows S1 to S5 and S7 for servers (S6 is in early-data.test.ts), the same over every engine that can serve. The clients are `node:tls`, which shows any
// session to anybody: what a client of ours would never offer is offered here.
import { randomBytes } from 'node:crypto';
import { byHello, byServerName, type CredentialEvent, liveEngine } from '@rxtls/core';
import { offeredTickets, type TicketKeys } from '@rxtls/core/engine';
import { memorySessions } from '@rxtls/engine-node';
import { BehaviorSubject } from 'rxjs';
import t from 'tap';
import { kits, kitsWithTickets } from './kits.ts';
import { listening, visit, type Visitor } from './listening.ts';
import { echoes, served } from './served.ts';

t.setTimeout(120_000);

const day = 24 * 3_600_000;

for (const kit of kits) {
  t.test(
    `S1 (${kit.name}): a session of one host is none at another, whatever either asks of its clients`,
    async (t) => {
      const [a, b] = [await kit.issue({ names: ['a.test'] }), await kit.issue({ names: ['b.test'] })];
      const clientCa = kit.pki.authorityPem;
      const open = kit.server({ credentials: a });
      const strict = kit.server({ credentials: b, clientAuth: 'require', clientCa });
      const server = await listening(t, byServerName({ 'a.test': open, 'b.test': strict, 'c.test': open }));
      const first = await visit(server, kit, { servername: 'a.test' });
      t.match(first, { resumed: false, error: undefined });
      t.ok(first.session);
      const again = await visit(server, kit, { servername: 'a.test', session: first.session });
      t.match(again, { resumed: true, error: undefined }, 'at home it resumes');
      const { session } = await visit(server, kit, { servername: 'a.test' });
      const before = server.connections.length;
      const crossed = await visit(server, kit, { servername: 'b.test', session });
      t.notOk(crossed.resumed);
      t.equal(server.connections.length, before, 'no connection without the certificate that b.test asks for');
      t.match(server.failures, [{ error: { name: 'CertificateError', reason: 'missing' } }]);
      const client = await kit.leaf('client');
      const proved = await visit(server, kit, { servername: 'b.test', session, ...client });
      t.match(proved, { resumed: false, error: undefined }, 'with it, by a full handshake');
      t.match(server.connections.at(-1)!.negotiated, { resumed: false, peer: { verification: 'passed' } });
      const named = await visit(server, kit, { servername: 'c.test', session });
      t.match(named, { error: undefined });
      t.notOk(
        named.resumed && server.connections.at(-1)!.negotiated.serverName !== 'c.test',
        'nor does a name get lost',
      );
    },
  );

  t.test(`S2 (${kit.name}): new trust, a session of the old: not resumed, judged anew`, async (t) => {
    const credentials = await kit.issue();
    const trust = new BehaviorSubject(kit.pki.authorityPem);
    const server = await listening(
      t,
      liveEngine(trust, (clientCa) => kit.server({ credentials, clientAuth: 'require', clientCa })),
    );
    const client = await kit.leaf('client');
    const first = await visit(server, kit, client);
    t.match(first, { resumed: false, error: undefined });
    t.match(await visit(server, kit, { ...client, session: first.session }), { resumed: true, error: undefined });
    const { session } = await visit(server, kit, client);
    trust.next(kit.pki.otherAuthorityPem);
    const before = server.connections.length;
    const old = await visit(server, kit, { ...client, session });
    t.notOk(old.resumed);
    t.equal(server.connections.length, before);
    t.match(server.failures, [{ error: { name: 'CertificateError', reason: 'unknown-authority' } }]);
    const stranger = await kit.leaf('client-untrusted');
    t.match(await visit(server, kit, { ...stranger, session }), { resumed: false, error: undefined });
    t.match(server.connections.at(-1)!.negotiated, { generation: 2, peer: { verification: 'passed' } });
  });

  t.test(
    `S2 (${kit.name}): a rotation of the certificate alone costs a full handshake, never a connection`,
    async (t) => {
      const pairs = new BehaviorSubject(await kit.issue());
      const server = await listening(
        t,
        liveEngine(pairs, (credentials) => kit.server({ credentials })),
      );
      const { session } = await visit(server, kit);
      pairs.next(await kit.issue());
      t.match(await visit(server, kit, { session }), { resumed: false, error: undefined });
      t.same(server.failures, []);
    },
  );

  t.test(`S3 (${kit.name}): a client whose certificate has expired since is not resumed`, async (t) => {
    let now = Date.now();
    const credentials = await kit.issue();
    const server = await listening(
      t,
      kit.server({ credentials, clientAuth: 'require', clientCa: kit.pki.authorityPem }),
      { dangerouslyHost: { wallClock: () => now } },
    );
    const client = await kit.issue({ usage: 'client', names: ['client.test'], notAfter: new Date(now + day / 4) });
    const { session } = await visit(server, kit, client);
    t.equal(server.connections.length, 1);
    now += day / 2;
    const late = await visit(server, kit, { ...client, session });
    t.equal(server.connections.length, 1, 'neither resumed nor taken anew');
    t.match(server.failures, [{ error: { name: 'CertificateError', reason: 'expired' } }], String(late.error));
  });

  t.test(
    `S3 (${kit.name}): a client with a new certificate is not refused for the session of its expired one`,
    async (t) => {
      let now = Date.now();
      const credentials = await kit.issue();
      const server = await listening(
        t,
        kit.server({ credentials, clientAuth: 'require', clientCa: kit.pki.authorityPem }),
        { dangerouslyHost: { wallClock: () => now } },
      );
      const old = await kit.issue({ usage: 'client', names: ['client.test'], notAfter: new Date(now + day / 4) });
      const { session } = await visit(server, kit, old);
      t.ok(session);
      now += day / 2;
      const renewed = await kit.issue({ usage: 'client', names: ['client.test'] });
      t.match(await visit(server, kit, { ...renewed, session }), { resumed: false, error: undefined });
      t.same(server.failures, []);
      t.match(server.connections.at(-1)!.negotiated, { resumed: false, peer: { verification: 'passed' } });
    },
  );
}

for (const kit of kits)
  t.test(`S1 (${kit.name}): what is done to the chain that was shown changes nobody's session`, async (t) => {
    const seen: string[] = [];
    const ruin = (chain: readonly Uint8Array[]): void => {
      seen.push(chain.map((der) => Buffer.from(der).toString('hex')).join());
      for (const der of chain) der.fill(0);
      (chain as Uint8Array[]).length = 0;
    };
    const verify = ({ chain }: { readonly chain: readonly Uint8Array[] }): boolean => {
      ruin(chain);
      return true;
    };
    const credentials = await kit.issue();
    for (const own of [{ verify }, {}]) {
      const clientCa = kit.pki.authorityPem;
      const server = await listening(t, kit.server({ credentials, clientAuth: 'require', clientCa, ...own }));
      const client = await kit.leaf('client');
      const shown: Visitor = { ...client };
      for (const resumed of [false, true, true]) {
        const { session, ...met } = await visit(server, kit, shown);
        t.match(met, { resumed, error: undefined });
        ruin(server.connections.at(-1)!.negotiated.peer.chain);
        Object.assign(shown, { session });
      }
      t.same(server.failures, []);
    }
    t.equal(seen.length, 9);
    t.equal(new Set(seen).size, 1, 'the same chain each time');
  });

for (const kit of kits)
  t.test(`S4 (${kit.name}): what no key was given for, no other server resumes`, async (t) => {
    const credentials = await kit.issue();
    const [here, there] = [
      await listening(t, kit.server({ credentials })),
      await listening(t, kit.server({ credentials })),
    ];
    const { session } = await visit(here, kit);
    t.match(await visit(there, kit, { session }), { resumed: false, error: undefined });
    t.match(await visit(here, kit, { session }), { resumed: true, error: undefined });
  });

for (const kit of kitsWithTickets) {
  t.test(
    `S4 (${kit.name}): a stream of ticket keys: current, previous, dropped; what is none is refused`,
    async (t) => {
      const credentials = await kit.issue();
      const [first, second, third] = [randomBytes(48), randomBytes(48), randomBytes(48)];
      const keys = new BehaviorSubject<TicketKeys>({ current: first, previous: [] });
      const events: CredentialEvent[] = [];
      const server = await listening(
        t,
        liveEngine(keys, (ticketKeys) => kit.server({ credentials }, { ticketKeys }), {
          events: { next: (event) => events.push(event) },
        }),
      );
      const { session } = await visit(server, kit);
      keys.next({ current: second, previous: [first] });
      t.match(await visit(server, kit, { session }), { resumed: true, error: undefined }, 'under the key before');
      const { session: newer } = await visit(server, kit);
      for (const bad of [new Uint8Array(48), new Uint8Array(48).fill(9), first.subarray(1)])
        keys.next({ current: bad, previous: [] });
      t.same(
        events.map(({ type }) => type),
        ['swapped', 'swapped', 'rejected', 'rejected', 'rejected'],
      );
      t.match(await visit(server, kit, { session: newer }), { resumed: true, error: undefined }, 'the last good go on');
      keys.next({ current: third, previous: [second] });
      t.match(await visit(server, kit, { session }), { resumed: false, error: undefined }, 'under a key that is gone');
      t.same(server.failures, []);
    },
  );

  t.test(
    `S4 (${kit.name}): under the same ticket keys a renewed certificate resumes, and one for other names not`,
    async (t) => {
      const ticketKeys = { current: randomBytes(48), previous: [] };
      const pairs = new BehaviorSubject(await kit.issue({ names: ['a.test', 'localhost'] }));
      const server = await listening(
        t,
        liveEngine(pairs, (credentials) => kit.server({ credentials }, { ticketKeys })),
      );
      const { session } = await visit(server, kit);
      pairs.next(await kit.issue({ names: ['a.test', 'localhost'] }));
      t.match(await visit(server, kit, { session }), { resumed: true, error: undefined });
      const { session: newer } = await visit(server, kit);
      pairs.next(await kit.issue({ names: ['b.test', 'localhost'] }));
      t.match(await visit(server, kit, { session: newer }), { resumed: false, error: undefined });
      t.same(server.failures, []);
    },
  );

  t.test(`S5 (${kit.name}): a server is never shown a ticket twice, one after another or at once`, async (t) => {
    const engine = kit.server({ credentials: await kit.issue() });
    const shown: string[] = [];
    const server = served(
      t,
      byHello((hello) => {
        for (const ticket of offeredTickets(hello, 8)) shown.push(Buffer.from(ticket).toString('hex'));
        return engine;
      }),
    );
    const client = kit.client({ sessions: memorySessions() });
    const visits = async (count: number): Promise<void> => {
      for (const arrival of Array.from({ length: count }, () => server.arrive(client))) {
        const side = await arrival.met();
        t.ok(await echoes(side, 'word'));
        side.subscription.unsubscribe();
      }
    };
    await visits(1);
    t.same(shown, []);
    await visits(4);
    t.equal(shown.length, 2, 'at once: as many as there are tickets');
    for (let round = 0; round < 4; round++) await visits(1);
    t.ok(shown.length >= 4, 'one after another');
    t.equal(new Set(shown).size, shown.length);
  });
}

t.test('S7: what servers keep of sessions', async (t) => {
  // Tickets are with the clients: node and tls13 keep nothing a session. The one server that keeps them has 1 024 at most.
  const { ServerSessions } = await import('../../packages/engine-forge/src/server-sessions.ts');
  const store = new ServerSessions({ resumption: true } as never);
  for (let at = 0; at < 100_000; at++) store.put({ state: { id: `${at}` } } as never);
  t.equal(store.size, 1_024);
});
