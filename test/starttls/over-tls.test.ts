// Every upgrade, both sides of ours, and TLS over it: whatever the chunks, whatever the engine, with every option of TLS.
import { AbortedError, type ByteDuplex, byHello, secure, type TlsConnection, use } from '@rxtls/core';
import type { ClientHello, TlsEngineFactory, TlsHost } from '@rxtls/core/engine';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';
import {
  httpConnect,
  proxyProtocol,
  proxyProtocolServer,
  smtpStartTls,
  smtpStartTlsServer,
  socks5,
} from '@rxtls/starttls';
import { memoryPair } from '@rxtls/transport-memory';
import fc from 'fast-check';
import {
  concat,
  defer,
  EMPTY,
  ignoreElements,
  lastValueFrom,
  merge,
  NEVER,
  Observable,
  of,
  type OperatorFunction,
  pipe,
  timeout,
  toArray,
} from 'rxjs';
import t from 'tap';
import { transportOf } from '../../packages/core/src/upgrade-ready.ts';
import { protocols, Seen } from '../../packages/starttls/test/bench.ts';
import {
  ascii,
  clientOptions,
  credentials,
  echo,
  echoed,
  kept,
  node,
  pki,
  Served,
  shownDer,
  text,
  tls13,
  type Upgrade,
} from './ends.ts';
import { impatient } from './impatient.ts';
import { connectProxy, socksProxy } from './proxies.ts';

t.setTimeout(60_000);
const seed = process.env['RXTLS_SEED'] === undefined ? {} : { seed: Number(process.env['RXTLS_SEED']) };

interface Both {
  readonly name: string;
  readonly client: () => Upgrade;
  readonly server: () => Upgrade;
}

const ends = { source: { address: '192.0.2.7', port: 50_000 }, destination: { address: '192.0.2.1', port: 443 } };
const upgrades: readonly Both[] = [
  ...protocols.map(({ name, client, server }) => ({ name, client: () => client(), server: () => server() })),
  { name: 'PROXY 1', client: () => proxyProtocol({ version: 1, ...ends }), server: () => proxyProtocolServer() },
  { name: 'PROXY 2', client: () => proxyProtocol(ends), server: () => proxyProtocolServer() },
  { name: 'CONNECT', client: () => httpConnect('inner.example:443'), server: connectProxy },
  { name: 'SOCKS5', client: () => socks5('inner.example:443'), server: socksProxy },
  {
    name: 'PROXY, then SMTP',
    client: () => pipe(proxyProtocol(ends), smtpStartTls({ name: 'client.test' })),
    server: () => pipe(proxyProtocolServer(), smtpStartTlsServer({ name: 'mx.test' })),
  },
];

for (const { name, client, server } of upgrades) {
  t.test(`${name}: any chunking, then TLS with data both ways`, async (t) => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(sizes, sizes, async (aToB, bToA) => {
        const faults = { aToB: { fragment: aToB }, bToA: { fragment: bToA } };
        const { answer, served } = await echoed(tls13, client(), server(), 'hello over TLS', faults);
        if (answer !== 'hello over TLS') throw new Error(`${answer}; ${String(served.failures[0]?.error)}`);
        if (served.failures.length > 0) throw served.failures[0]!.error;
      }),
      {
        numRuns: 8,
        examples: [
          [[1], [1]],
          [[1_000], [1_000]],
        ],
        ...seed,
      },
    );
    const { answer } = await echoed(node, client(), server(), 'hello over OpenSSL', { aToB: { fragment: 3 } });
    t.equal(answer, 'hello over OpenSSL');
  });

  t.test(`P5 (${name}): every option of TLS reaches the engine`, async (t) => {
    for (const engines of [tls13, node]) {
      const [a, b] = memoryPair();
      const hellos: ClientHello[] = [];
      const hosts: TlsHost[] = [];
      const spied = Object.assign(
        (...[sink, host]: Parameters<TlsEngineFactory<'client'>>) => {
          hosts.push(host);
          return engines.client(sink, host);
        },
        { role: 'client', capabilities: engines.client.capabilities } as const,
      );
      const selected = byHello((hello) => {
        hellos.push(hello);
        return engines.server;
      });
      const failures: unknown[] = [];
      const seen: TlsConnection[] = [];
      const listening = kept(b)
        .pipe(
          server(),
          secure(selected, { limits: { closeTimeout: 1_234 } }),
          use((connection) => {
            seen.push(connection);
            return echo(connection);
          }),
        )
        .subscribe({ error: (error: unknown) => failures.push(error) });
      const events: string[] = [];
      const connections: TlsConnection[] = [];
      const limits = { handshakeTimeout: 4_321, maxTickets: 3 };
      const chunks = await lastValueFrom(
        kept(a).pipe(
          client(),
          secure(spied, {
            limits,
            writes: [ascii('written from the start')],
            observe: { events: { next: ({ type }) => events.push(type) } },
          }),
          timeout({ first: 10_000 }),
          use((connection) => {
            connections.push(connection);
            return connection.plaintext;
          }),
          toArray(),
        ),
      );
      t.same(failures, []);
      t.equal(text(...chunks), 'written from the start', engines.name);
      t.match(hosts[0]?.limits, limits);
      t.match(hellos[0], { serverName: clientOptions.serverName, alpnProtocols: clientOptions.alpnProtocols });
      t.match(connections[0]?.negotiated, { alpnProtocol: 'second/1', peer: { verification: 'passed' } });
      t.match(seen[0]?.negotiated, { serverName: 'localhost', peer: { verification: 'passed' } });
      t.same(seen[0]?.negotiated.peer.chain[0], shownDer, 'the client’s certificate');
      t.ok(events.includes('handshake'));
      listening.unsubscribe();
    }
  });

  t.test(
    `C7 (${name}): a handshake that fails after the upgrade cuts each side once, and is that side’s error`,
    async (t) => {
      const distrusting = tls13Engine.client({ ...clientOptions, ca: pki.otherAuthorityPem });
      const [a, b] = memoryPair();
      const theirs = new Seen(b, pipe(server(), secure(tls13.server)));
      const ours = new Seen(a, pipe(client(), secure(distrusting)));
      for (let turn = 0; turn < 200 && (ours.error === undefined || theirs.error === undefined); turn++)
        await new Promise((resolve) => setTimeout(resolve, 5));
      t.match(ours.error, { name: 'CertificateError', reason: 'unknown-authority' });
      t.match(theirs.error, { name: 'AlertReceivedError' });
      t.equal(ours.aborts, 1);
      t.equal(theirs.aborts, 1);
    },
  );

  t.test(`C7 (${name}): unsubscribed in the handshake, it is cut once`, async (t) => {
    const [a, b] = memoryPair();
    const served = new Served(kept(b), tls13.server, { upgrade: server() });
    const ours = new Seen(a, pipe(client(), secure(node.client))); // answers a turn later
    ours.subscription.unsubscribe();
    t.equal(ours.aborts, 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    t.equal(ours.aborts, 1);
    t.equal(served.connections.length, 0);
    t.match(served.failures, [{ error: { name: /^(Aborted|Truncation)Error$/ } }]);
    served.subscription.unsubscribe();
  });
}

for (const { name, client, server } of upgrades)
  t.test(`P6 (${name}): plaintext that follows the dialogue is no TLS, and nothing of it is emitted`, async (t) => {
    for (const engines of [tls13, node])
      for (const side of ['client', 'server'] as const) {
        const [a, b] = memoryPair();
        const injecting = kept(side === 'client' ? b : a)
          .pipe(side === 'client' ? server() : client())
          .subscribe((ready) => transportOf(ready).sink.write(ascii('250 injected\r\n')));
        const victim =
          side === 'client'
            ? new Seen(a, pipe(client(), secure(engines.client)))
            : new Seen(b, pipe(server(), secure(engines.server)));
        for (let turn = 0; turn < 200 && victim.error === undefined; turn++)
          await new Promise((resolve) => setTimeout(resolve, 2));
        t.match(victim.error, { name: 'NotTlsError' }, `${engines.name}, ${side}: ${victim.error}`);
        t.equal(victim.values.length, 0);
        t.equal(victim.aborts, 1);
        injecting.unsubscribe();
      }
  });

for (const { name, server, questions } of [
  ...protocols,
  { name: 'PROXY', server: () => proxyProtocolServer(), questions: [ascii('PROXY UNKNOWN\r\n')] },
])
  t.test(`P7 (${name}): a ClientHello in one piece with the command completes its handshake`, async (t) => {
    for (const engines of [tls13, node]) {
      const [a, b] = memoryPair();
      const served = new Served(kept(b), engines.server, { upgrade: server() });
      const chunks = await lastValueFrom(
        kept(impatient(a, questions)).pipe(
          secure(engines.client),
          timeout({ first: 10_000 }),
          use((connection) => connection.exchange([ascii('at once')], { halfClose: true })),
          toArray(),
        ),
      );
      t.equal(text(...chunks), 'at once', engines.name);
      t.same(served.failures, []);
      served.subscription.unsubscribe();
    }
  });

t.test('secureEach: one transport’s upgrade fails, the others go on; `failed` tells which', async (t) => {
  const [a, b] = memoryPair();
  const [bad, served] = memoryPair();
  const upgrade = smtpStartTlsServer({ name: 'mx.test' });
  const server = new Served(concat(of(served, b), NEVER), tls13.server, { upgrade });
  bad.sink.write(ascii('STARTTLS\r\nRSET\r\n'));
  t.match(server.failures, [{ error: { name: 'PeerMisbehavedError' }, info: served.info }]);
  const answer = await lastValueFrom(
    kept(a).pipe(
      smtpStartTls({ name: 'client.test' }),
      secure(tls13.client),
      use((connection) => connection.exchange([ascii('still here')], { halfClose: true })),
      toArray(),
    ),
  );
  t.equal(text(...answer), 'still here');
  t.equal(server.failures.length, 1);
  server.subscription.unsubscribe();
});

t.test(
  'secureEach: an upgrade of somebody’s own that throws, is empty, or emits twice, leaves nothing open',
  async (t) => {
    const cases: readonly (readonly [Upgrade, RegExp])[] = [
      [
        () => {
          throw new Error('mine');
        },
        /the upgrade threw/,
      ],
      [() => EMPTY, /without a transport/],
      [(source) => merge(source, of(memoryPair()[0])), /takes one transport/],
      [() => defer(() => Promise.reject(new Error('later'))), /later/],
    ];
    for (const [upgrade, message] of cases) {
      const [, b] = memoryPair();
      let cut: unknown;
      b.sink.demand.subscribe({ error: (error: unknown) => (cut = error) });
      const server = new Served(kept(b), tls13.server, { upgrade });
      await new Promise((resolve) => setTimeout(resolve, 2));
      t.match(server.failures, [{ error: { message } }]);
      if (String(message) !== '/later/') t.ok(cut instanceof AbortedError, String(message));
      t.equal(server.connections.length, 0);
      server.subscription.unsubscribe();
    }
  },
);

t.test('secureEach: unsubscribed in a dialogue, its transports are cut', async (t) => {
  const [a, b] = memoryPair();
  const server = new Served(kept(b), tls13.server, { upgrade: smtpStartTlsServer({ name: 'mx.test' }) });
  let cut: unknown;
  a.sink.demand.subscribe({ error: (error: unknown) => (cut = error) });
  server.subscription.unsubscribe();
  t.ok(cut instanceof AbortedError);
});

t.test('PROXY: a connection’s info is what the header tells', async (t) => {
  const { served } = await echoed(tls13, proxyProtocol(ends), proxyProtocolServer(), 'x');
  t.same(served.connections[0]?.info, { remote: '192.0.2.7:50000', local: '192.0.2.1:443' });
});

/** A proxy over a connection: answers each of the client's first messages by these, then passes everything on to a target. */
const proxying =
  (answers: readonly string[], target: ByteDuplex, heard: string[]) =>
  (connection: TlsConnection): Observable<unknown> =>
    new Observable((subscriber) => {
      const waiting = [...answers];
      const error = (cause: unknown): void => subscriber.error(cause);
      const up = connection.readEach((bytes) => {
        const answer = waiting.shift();
        if (answer === undefined) target.sink.write(bytes);
        else {
          heard.push(text(bytes));
          connection.write(ascii(answer));
        }
        if (answer !== undefined && waiting.length === 0)
          subscriber.add(connection.writeFrom(target.source).subscribe({ error }));
        return EMPTY;
      });
      subscriber.add(up.subscribe({ error, complete: () => target.sink.end() }));
    });

const throughProxy: readonly (readonly [string, OperatorFunction<ByteDuplex, ByteDuplex>, readonly string[]])[] = [
  ['httpConnect', httpConnect('inner.example:443'), ['HTTP/1.1 200 ok\r\n\r\n']],
  ['socks5', socks5('inner.example:443'), ['\u0005\0', '\u0005\0\0\u0001\0\0\0\0\0\0']],
];

for (const [name, tunnel, answers] of throughProxy)
  t.test(`P7 (${name}): TLS in TLS through the tunnel, with data both ways`, async (t) => {
    const [a, b] = memoryPair();
    const [near, far] = memoryPair();
    const heard: string[] = [];
    const inner = new Served(kept(far), node.server, {});
    const outer = new Served(kept(b), tls13.server, {}, proxying(answers, near, heard));
    const chunks = await lastValueFrom(
      kept(a).pipe(
        secure(tls13.client),
        tunnel,
        secure(node.client),
        timeout({ first: 10_000 }),
        use((connection) => connection.exchange([ascii('from inside')], { halfClose: true })),
        toArray(),
      ),
    );
    t.equal(text(...chunks), 'from inside');
    t.equal(heard.length, answers.length);
    t.equal(inner.connections.length, 1);
    t.equal(outer.connections.length, 1);
    t.notMatch(heard.join(''), /from inside/);
    inner.subscription.unsubscribe();
    outer.subscription.unsubscribe();
  });

t.test('PostgreSQL without SSLRequest: direct TLS is plain secure, with its protocol in ALPN', async (t) => {
  const [a, b] = memoryPair();
  const alpnProtocols = ['postgresql'];
  const server = new Served(kept(b), nodeEngine.server({ credentials, alpnProtocols }), {});
  const names = await lastValueFrom(
    kept(a).pipe(
      secure(nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem, alpnProtocols })),
      use((connection) =>
        merge(of(connection.negotiated.alpnProtocol), connection.closeWrite().pipe(ignoreElements())),
      ),
      toArray(),
    ),
  );
  t.same(names, ['postgresql']);
  server.subscription.unsubscribe();
});
