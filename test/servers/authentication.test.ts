// Rows A1 to A7 for servers, the same over every engine that can serve. Names in certificates (A5) are a client's row: a
// server asks for no name of its clients, which is what the test of that row shows.
import { byAlpn, byHello, byServerName, type EngineSelector } from '@rxtls/core';
import { EMPTY, NEVER, of, throwError } from 'rxjs';
import t from 'tap';
import { turns, until } from '../rules-node/bench.ts';
import { firstFlight } from './first-flight.ts';
import { kits, kitsWithTickets, type Pair } from './kits.ts';
import { listening, visit } from './listening.ts';
import { echoes, served } from './served.ts';

t.setTimeout(120_000);

const plaintextAlert = (number: number): number[] => [21, 3, 3, 0, 2, 2, number];
const fail = (): never => {
  throw new Error('the user’s own');
};

for (const kit of kits) {
  t.test(`A1 (${kit.name}): protocols without overlap, names that are not served, and no name`, async (t) => {
    const credentials = await kit.issue({ names: ['a.test', 'x.b.test', 'localhost'] });
    const one = kit.server({ credentials });
    const named = served(t, byServerName({ 'a.test': one, '*.b.test': one }));
    for (const serverName of ['a.test', 'x.b.test'])
      t.ok(await echoes(await named.arrive(kit.client({ serverName })).met(), serverName), serverName);
    for (const serverName of ['localhost', 'b.test', '127.0.0.1']) {
      const refused = await named.arrive(kit.client({ serverName })).met();
      t.match(refused.error, { name: 'AlertReceivedError', alert: 'unrecognized_name' }, serverName);
    }
    t.equal(named.connections.length, 2);
    const spoken = served(t, byAlpn({ 'http/1.1': kit.server({ credentials }, { alpnProtocols: ['http/1.1'] }) }));
    const other = await spoken.arrive(kit.client({ alpnProtocols: ['ftp'] })).met();
    t.match(other.error, { name: 'AlertReceivedError', alert: 'no_application_protocol' });
    t.same([spoken.connections.length, spoken.failures.length], [0, 1]);
    if (kit.name === 'forge') return; // it has no ALPN, and an answer that names none is refused by whoever insists
    const own = served(t, kit.server({ credentials }, { alpnProtocols: ['http/1.1'] }));
    const apart = await own.arrive(kit.client({ alpnProtocols: ['ftp'] })).met();
    t.match(apart.error, { name: 'AlertReceivedError', alert: 'no_application_protocol' });
    const met = await own.arrive(kit.client({ alpnProtocols: ['ftp', 'http/1.1'] })).met();
    t.equal(met.connection.negotiated.alpnProtocol, 'http/1.1');
  });

  t.test(
    `A2 (${kit.name}): a choice that fails, in any way, fails closed with the right alert; the server goes on`,
    async (t) => {
      const good = kit.server({ credentials: await kit.issue() });
      const ways: Record<string, readonly [alert: number, select: () => unknown]> = {
        throws: [80, fail],
        rejects: [80, () => Promise.reject(new Error('no'))],
        errors: [80, () => throwError(() => new Error('no'))],
        'is empty': [80, () => EMPTY],
        'gives two': [80, () => of(good, good)],
        'is late': [40, () => NEVER],
        'is no engine': [80, () => 'yes'],
        'is a client': [80, () => kit.client()],
        'says no': [112, () => undefined],
      };
      let way: () => unknown = fail;
      const selector = byHello((() => way()) as EngineSelector['select']);
      const server = served(t, selector, { limits: { taskTimeout: 50 } });
      for (const [name, [alert, select]] of Object.entries(ways)) {
        way = select;
        const refused = await server.arrive(kit.client()).met();
        t.match(refused.error, { name: 'AlertReceivedError' }, name);
        const [failure] = server.failures.splice(0);
        t.ok(failure, `${name}: ${String(failure?.error)}`);
        way = () => Promise.resolve(good);
        t.ok(await echoes(await server.arrive(kit.client()).met(), 'next'), `${name}: and the next one is served`);
        way = select;
        const raw = server.raw(await firstFlight(kit));
        await until(() => raw.answer().length >= 7, 'the alert');
        t.same(Array.from(raw.answer()), plaintextAlert(alert), `${name}: alert ${alert}, and not a byte more`);
        server.failures.splice(0);
      }
      const broken = await firstFlight(kit);
      broken[43] = 200; // a session id longer than any may be
      const unparsable = server.raw(broken);
      await until(() => unparsable.answer().length >= 7, 'the alert');
      t.same(Array.from(unparsable.answer()), plaintextAlert(50), 'a hello that cannot be read');
    },
  );

  t.test(
    `A3 (${kit.name}): functions of the user that fail, at once or later, hurt their own connection alone`,
    async (t) => {
      const asking = { credentials: await kit.issue(), clientAuth: 'require', clientCa: kit.pki.authorityPem } as const;
      const credentials = await kit.leaf('client');
      let verify: () => unknown = () => true;
      let project: () => unknown = () => undefined;
      const server = served(
        t,
        kit.server({ ...asking, verify: () => verify() as boolean }),
        { limits: { taskTimeout: 50 } },
        (connection) => {
          project();
          return connection.writeFrom(connection.source);
        },
      );
      const beside = await server.arrive(kit.client({ credentials })).met();
      t.ok(await echoes(beside, 'a'));
      const bad: readonly (() => unknown)[] = [
        fail,
        () => Promise.reject(new Error('later')),
        () => throwError(() => new Error('observable')),
        () => EMPTY,
        () => of(true, true),
        () => NEVER,
        () => false,
        () => 1,
      ];
      for (const each of bad) {
        verify = each;
        const { client } = server.arrive(kit.client({ credentials }));
        await until(() => server.failures.length > 0 && client.isOver, `the end of ${each}`);
        server.failures.splice(0);
      }
      t.equal(server.connections.length, 1);
      verify = () => true;
      project = fail;
      const { client } = server.arrive(kit.client({ credentials }));
      await until(() => server.failures.length > 0, 'the failure of the project');
      t.match(server.failures, [{ error: { message: 'the user’s own' } }]);
      await until(() => client.isOver, 'its client’s end');
      project = () => undefined;
      t.ok(await echoes(await server.arrive(kit.client({ credentials })).met(), 'next'));
      beside.write('b');
      await until(() => beside.text === 'ab', 'the connection beside');
    },
  );

  t.test(
    `A4 (${kit.name}): with 'require' nobody is connected without a good certificate; 'request' takes none for none`,
    async (t) => {
      const base = { credentials: await kit.issue(), clientCa: kit.pki.authorityPem };
      const strict = served(t, kit.server({ ...base, clientAuth: 'require' }));
      const lenient = served(t, kit.server({ ...base, clientAuth: 'request' }));
      const vectors: readonly (readonly [string, Pair | undefined, string])[] = [
        ['missing', undefined, 'missing'],
        ['untrusted', await kit.leaf('client-untrusted'), 'unknown-authority'],
        ['expired', await kit.leaf('client-expired'), 'expired'],
        ['for servers', await kit.leaf('client-wrong-usage'), 'wrong-usage'],
      ];
      for (const [name, credentials, reason] of vectors) {
        for (const server of [strict, lenient]) {
          if (server === lenient && credentials === undefined) continue;
          const { client } = server.arrive(kit.client(credentials === undefined ? {} : { credentials }));
          await until(() => server.failures.length > 0 && client.isOver, name);
          t.match(server.failures.splice(0), [{ error: { name: 'CertificateError', reason } }], name);
          t.equal(server.connections.length, 0, name);
        }
      }
      const good = await strict.arrive(kit.client({ credentials: await kit.leaf('client') })).met();
      t.ok(await echoes(good, 'good'));
      t.match(strict.connections[0]!.negotiated.peer, { verification: 'passed' });
      t.ok(await echoes(await lenient.arrive(kit.client()).met(), 'nobody'));
      t.match(lenient.connections[0]!.negotiated.peer, { verification: 'not-requested', chain: [] });
    },
  );

  t.test(
    `A5 (${kit.name}): a client's certificate is for no name of ours: verify is where names are judged`,
    async (t) => {
      const asking = { credentials: await kit.issue(), clientAuth: 'require', clientCa: kit.pki.authorityPem } as const;
      const shown: number[] = [];
      const server = served(t, kit.server({ ...asking, verify: ({ chain }) => shown.push(chain.length) > 0 }));
      const credentials = await kit.leaf('client'); // for client.test alone
      t.ok(await echoes(await server.arrive(kit.client({ credentials })).met(), 'hello'));
      t.ok(shown[0]! > 0, 'verify is shown the chain');
    },
  );

  t.test(
    `A6 (${kit.name}): what a client says while verify runs is held; refused, nothing of it is seen`,
    async (t) => {
      const asking = { credentials: await kit.issue(), clientAuth: 'require', clientCa: kit.pki.authorityPem } as const;
      const credentials = await kit.leaf('client');
      for (const answer of [true, false]) {
        let settle: (value: boolean) => void = () => undefined;
        const verdict = new Promise<boolean>((resolve) => (settle = resolve));
        let asked = 0;
        const seen: Uint8Array[] = [];
        const server = served(t, kit.server({ ...asking, verify: () => (asked++, verdict) }), {}, ({ plaintext }) => {
          plaintext.subscribe({ next: (bytes) => seen.push(bytes), error: () => undefined });
          return NEVER;
        });
        const { client } = server.arrive(kit.client({ credentials }), { writes: [Buffer.from('early words')] });
        await until(() => asked === 1, 'verify');
        await turns(50);
        t.same([server.connections.length, seen.length], [0, 0]);
        settle(answer);
        await until(() => (answer ? seen.length > 0 : client.isOver), 'the verdict');
        t.equal(Buffer.concat(seen).toString(), answer ? 'early words' : '');
        t.equal(server.connections.length, answer ? 1 : 0);
      }
    },
  );

  t.test(`A7 (${kit.name}): verify adds to our judgement, and cannot take anything from it`, async (t) => {
    const asking = { credentials: await kit.issue(), clientAuth: 'require', clientCa: kit.pki.authorityPem } as const;
    let asked = 0;
    const server = served(t, kit.server({ ...asking, verify: () => ++asked > 0 }));
    const { client } = server.arrive(kit.client({ credentials: await kit.leaf('client-untrusted') }));
    await until(() => server.failures.length > 0 && client.isOver, 'the refusal');
    t.match(server.failures, [{ error: { reason: 'unknown-authority' } }]);
    t.equal(asked, 0, 'whoever is refused already is not even shown to it');
    const names = Object.keys(asking).concat('verify');
    t.notOk(names.some((name) => name.startsWith('dangerously')));
    t.throws(() => kit.server({ ...asking, dangerouslyReplaceVerification: () => true } as never), {
      name: 'ApiMisuseError',
    });
  });
}

for (const kit of kitsWithTickets) {
  t.test(
    `A1 (${kit.name}): serverNames: a dot at the end changes no name, and no wildcard stands for nothing`,
    async (t) => {
      const credentials = await kit.issue();
      const serverNames = { 'a.test': credentials, '*.b.test': credentials };
      const server = await listening(t, kit.server({ credentials }, { serverNames, requireServerName: true }));
      for (const servername of ['a.test', 'a.test.', 'x.b.test', 'x.b.test.'])
        t.match(await visit(server, kit, { servername }), { error: undefined }, servername);
      t.equal(server.connections.length, 4);
      for (const servername of ['.b.test', 'b.test', '.a.test', 'a.test..', '*.a.test', 'x.y.b.test', 'constructor'])
        t.match(await visit(server, kit, { servername }), { error: /UNRECOGNIZED_NAME/ }, servername);
      t.equal(server.connections.length, 4);
    },
  );

  t.test(
    `A1 (${kit.name}): a staple goes with the credentials it stands beside, never with a virtual host's`,
    async (t) => {
      const ocspStaple = Uint8Array.of(0x30, 3, 2, 1, 0);
      const credentials = await kit.issue({ names: ['a.test'] });
      const serverNames = { 'b.test': await kit.issue({ names: ['b.test'] }) };
      const server = served(t, kit.server({ credentials }, { serverNames, ocspStaple }));
      for (const serverName of ['a.test', 'b.test']) {
        const { connection } = await server.arrive(kit.client({ serverName, requestOcsp: true })).met();
        t.strictSame(
          connection.negotiated.peer.ocspStaple,
          serverName === 'a.test' ? ocspStaple : undefined,
          serverName,
        );
      }
    },
  );
}
