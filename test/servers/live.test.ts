// Rows K1 to K3, and configuration that lives: the same tests over every engine that can serve.
import { byAlpn, byServerName, type CredentialEvent, drain, type DrainedConnection, liveEngine } from '@rxtls/core';
import { BehaviorSubject, combineLatest, Subject } from 'rxjs';
import t from 'tap';
import { until } from '../rules-node/bench.ts';
import { type ClientOptions, kits, leafOf, type Pair } from './kits.ts';
import { echoes, served, shownLeaf } from './served.ts';

t.setTimeout(120_000);

for (const kit of kits) {
  t.test(
    `K1 (${kit.name}): a rotation within a handshake: that one ends with the old pair, the next has the new`,
    async (t) => {
      const [old, fresh] = [await kit.issue(), await kit.issue()];
      const credentials = new BehaviorSubject<Pair>(old);
      const server = served(
        t,
        liveEngine(credentials, (pair) => kit.server({ credentials: pair })),
      );
      const open = await server.arrive(kit.client()).met();
      t.ok(await echoes(open, 'before'));
      // The server has said what it has to say, up to the certificate and past it; the client's answer is held.
      const inFlight = server.arrive(kit.client(), {}, (link) => link.bToA.stall());
      await until(() => inFlight.client.wire.writtenBytes > 0, 'the ClientHello');
      await new Promise((resolve) => setTimeout(resolve, 20));
      inFlight.link.aToB.stall();
      inFlight.link.bToA.release();
      await until(
        () => inFlight.client.wire.written.length > 1 || inFlight.client.connections.length > 0,
        'the second flight',
      );
      credentials.next(fresh);
      inFlight.link.aToB.release();
      t.ok(await echoes(await inFlight.met(), 'during'));
      t.equal(shownLeaf(inFlight.client), leafOf(old));
      const next = await server.arrive(kit.client()).met();
      t.ok(await echoes(next, 'after'));
      t.equal(shownLeaf(next), leafOf(fresh));
      t.equal(open.connections.length, 1);
      open.write('!');
      await until(() => open.text === 'before!', 'the connection that was open all the while');
      t.same(
        server.connections.map(({ negotiated }) => negotiated.generation),
        [1, 1, 2],
      );
      t.same(server.failures, []);
    },
  );

  t.test(`K2 (${kit.name}): a bad rotation: the last good pair stays, and it is told`, async (t) => {
    const [good, other] = [await kit.issue(), await kit.issue()];
    const credentials = new Subject<Pair>();
    const events: CredentialEvent[] = [];
    const server = served(
      t,
      liveEngine(credentials, (pair) => kit.server({ credentials: pair }), {
        events: { next: (event) => events.push(event) },
      }),
    );
    const early = server.arrive(kit.client());
    credentials.next({ cert: good.cert, key: other.key }); // the first of all is bad: nobody is served with it
    credentials.next(good);
    t.ok(await echoes(await early.met(), 'waited'), 'who came before there was an engine waited');
    for (const bad of [
      { cert: good.cert, key: other.key },
      { cert: good.cert.slice(0, 300), key: good.key },
      { cert: good.cert, key: '' },
      {} as Pair,
    ]) {
      credentials.next(bad);
      const side = await server.arrive(kit.client()).met();
      t.equal(shownLeaf(side), leafOf(good));
    }
    t.same(
      events.map(({ type }) => type),
      ['rejected', 'swapped', 'rejected', 'rejected', 'rejected', 'rejected'],
    );
    const text = JSON.stringify(events.map((event) => [event, String((event as { error?: unknown }).error)]));
    t.notOk(text.includes(other.key.split('\n')[1]!), 'no line of a key is in it');
    credentials.next(other);
    t.equal(shownLeaf(await server.arrive(kit.client()).met()), leafOf(other), 'and a good one replaces it still');
  });

  t.test(`K3 (${kit.name}): a stream of credentials that errors or completes takes nothing away`, async (t) => {
    for (const end of ['error', 'complete'] as const) {
      const good = await kit.issue();
      const credentials = new Subject<Pair>();
      const events: CredentialEvent[] = [];
      const server = served(
        t,
        liveEngine(credentials, (pair) => kit.server({ credentials: pair }), {
          events: { next: (event) => events.push(event) },
        }),
      );
      credentials.next(good);
      const open = await server.arrive(kit.client()).met();
      const inFlight = server.arrive(kit.client(), {}, (link) => link.bToA.stall());
      if (end === 'error') credentials.error(new Error('the watcher died'));
      else credentials.complete();
      inFlight.link.bToA.release();
      t.ok(await echoes(await inFlight.met(), 'in flight'), end);
      t.ok(await echoes(open, 'open'), end);
      t.ok(await echoes(await server.arrive(kit.client()).met(), 'new'), end);
      t.same(
        events.map(({ type }) => type),
        ['swapped', end === 'error' ? 'rejected' : 'completed'],
      );
    }
  });

  t.test(
    `live (${kit.name}): names, client trust and credentials together, each an observable of its own`,
    async (t) => {
      const [a, b, c] = [
        await kit.issue({ names: ['a.test'] }),
        await kit.issue({ names: ['b.test'] }),
        await kit.issue(),
      ];
      const hosts$ = new BehaviorSubject<Record<string, Pair>>({ 'a.test': a });
      const clientCa$ = new BehaviorSubject(kit.pki.otherAuthorityPem);
      const engine = liveEngine(combineLatest({ hosts: hosts$, clientCa: clientCa$ }), ({ hosts, clientCa }) =>
        byServerName(
          Object.fromEntries(
            Object.entries(hosts).map(([name, credentials]) => [
              name,
              kit.server({ credentials, clientAuth: 'require', clientCa }),
            ]),
          ),
        ),
      );
      const server = served(t, engine);
      const credentials = await kit.leaf('client');
      const asks = async (serverName: string): Promise<string> => {
        const before = server.connections.length;
        const side = await server.arrive(kit.client({ serverName, credentials })).met();
        await until(() => server.connections.length > before || server.failures.length > 0, 'the server’s judgement');
        const { error } = server.failures.pop() ?? {};
        if (error === undefined) return (await echoes(side, 'hello')) ? 'served' : 'not served';
        const { reason, alert } = error as { reason?: string; alert?: string };
        return reason ?? String(alert);
      };
      t.equal(await asks('a.test'), 'unknown-authority');
      clientCa$.next(kit.pki.authorityPem);
      t.equal(await asks('a.test'), 'served');
      t.equal(await asks('b.test'), 'unrecognized_name');
      hosts$.next({ 'b.test': b, localhost: c });
      t.equal(await asks('b.test'), 'served');
      t.equal(await asks('localhost'), 'served');
      t.equal(await asks('a.test'), 'unrecognized_name');
    },
  );

  t.test(`live (${kit.name}): an older engine beside this one, chosen by what the client offers`, async (t) => {
    const credentials = await kit.issue();
    const spoken = kit.server({ credentials }, { alpnProtocols: ['new'] });
    const server = served(t, byAlpn({ new: spoken }, kit.server({ credentials })));
    const asks = (options: ClientOptions) => server.arrive(kit.client(options)).met();
    t.ok(await echoes(await asks({}), 'none'), 'no ALPN');
    const other = await asks({ alpnProtocols: ['old'] });
    t.match(other.error, { name: 'AlertReceivedError', alert: 'no_application_protocol' });
    t.match(server.failures, [{ error: { name: 'PeerIncompatibleError', alert: 'no_application_protocol' } }]);
  });

  t.test(`drain (${kit.name}): what is being said is said to its end; then each is closed, and told`, async (t) => {
    const stop = new Subject<void>();
    const reports: DrainedConnection[] = [];
    let isDrained = false;
    const drained = {
      next: (report: DrainedConnection) => reports.push(report),
      complete: () => void (isDrained = true),
    };
    const server = served(t, kit.server({ credentials: await kit.issue() }), {
      drain: drain(stop, { deadline: 20_000, quiet: 100, drained }),
    });
    const [busy, idle] = [await server.arrive(kit.client()).met(), await server.arrive(kit.client()).met()];
    idle.read();
    const size = 2_000_000;
    busy.read().write(Buffer.alloc(1, 1));
    busy.connection.writeFrom([Buffer.alloc(size - 1, 2)]).subscribe();
    stop.next();
    const late = server.arrive(kit.client());
    await until(() => isDrained, 'the end of the drain', 20_000);
    await until(() => busy.isOver && idle.isOver, 'the clients’ ends');
    t.equal(busy.bytes.length, size, 'nothing was lost');
    t.same([busy.plaintextEnd, idle.plaintextEnd], ['complete', 'complete']);
    const told = reports.map(({ outcome, ledger }) => [outcome, ledger.flushed, ledger.lost] as const);
    t.same(
      [...told].sort(([, a], [, b]) => a - b),
      [
        ['closed', 0, 0],
        ['closed', size, 0],
      ],
    );
    t.same(server.failures, []);
    t.equal(late.client.connections.length, 0, 'nobody new');
  });
}

t.test('generations: an engine that no stream brought has none', async (t) => {
  const kit = kits[0]!;
  const other = served(t, kit.server({ credentials: await kit.issue() }));
  await other.arrive(kit.client()).met();
  await until(() => other.connections.length > 0, 'the connection');
  t.notOk('generation' in other.connections[0]!.negotiated);
});
