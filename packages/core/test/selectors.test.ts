// Selectors made of names and protocols, live ones, and fingerprints.
import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  byAlpn,
  byHello,
  byServerName,
  type EngineChoice,
  ja4,
  liveEngine,
  type Readiness,
  secureEach,
} from '@rxtls/core';
import { ApiMisuseError, type ClientHello, type TlsEngineFactory, type TlsEvent } from '@rxtls/core/engine';
import { map, NEVER, of, Subject, throwError } from 'rxjs';
import t from 'tap';
import { Bench, Clock, placeboEngine, record, unhandled, Wire } from './bench.ts';

/** A server that is known by the one protocol it speaks. */
const named = (name: string): TlsEngineFactory<'server'> => placeboEngine.server({ alpnProtocols: [name, 'any'] });

interface Asked {
  readonly serverName?: string;
  readonly alpnProtocols?: readonly string[];
}

/** Which server a client gets, or which alert. */
function asked(engine: EngineChoice<'server'>, { alpnProtocols = [], ...hello }: Asked): string {
  const bench = new Bench().start(engine);
  const all = alpnProtocols.length > 0 ? alpnProtocols : ['a', 'b', 'c', 'other'];
  bench.wire.give(record.clientHello({ version: 'TLSv1.3', ...hello, alpnProtocols: all }), record.finished());
  if (bench.connections === 1) return String(bench.connection.negotiated.alpnProtocol);
  return bench.wire.calls.find((call) => call.startsWith('alert')) ?? 'nothing';
}

t.test('byServerName: exact names, wildcards of one label, upper case, and no other', async (t) => {
  const engine = byServerName({ 'a.example': named('a'), '*.B.example': named('b'), 'x.b.example': named('c') });
  for (const [serverName, expected] of [
    ['a.example', 'a'],
    ['A.Example', 'a'],
    ['www.b.example', 'b'],
    ['x.b.example', 'c'],
    ['b.example', 'alert 2:112'],
    ['x.y.b.example', 'alert 2:112'],
    ['.b.example', 'alert 2:112'],
    ['a.example.evil', 'alert 2:112'],
    ['*.b.example', 'b'],
    ['constructor', 'alert 2:112'],
    ['__proto__', 'alert 2:112'],
  ] as const)
    t.equal(asked(engine, { serverName }), expected, serverName);
  t.equal(asked(engine, {}), 'alert 2:112', 'no name at all: what requireServerName would do');
  const lenient = byServerName({ 'a.example': named('a') }, named('other'));
  t.same([asked(lenient, {}), asked(lenient, { serverName: 'b.example' })], ['other', 'other']);
});

t.test(
  'byAlpn: our order among what is offered; no overlap is no_application_protocol whatever otherwise is',
  async (t) => {
    const engine = byAlpn({ b: named('b'), a: named('a') });
    const offering = (...alpnProtocols: readonly string[]): Asked => ({ alpnProtocols });
    t.equal(asked(engine, offering('a', 'b')), 'b');
    t.equal(asked(engine, offering('a', 'x')), 'a');
    t.equal(asked(engine, offering('x')), 'alert 2:120');
    const lenient = byAlpn({ a: named('a') }, placeboEngine.server());
    t.equal(asked(lenient, offering('x')), 'alert 2:120', 'ALPACA: another protocol is not ours');
    const silent = new Bench().start(lenient);
    silent.wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
    t.equal(silent.connections, 1, 'no ALPN at all');
    const strict = new Bench().start(engine);
    strict.wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
    t.same(strict.wire.calls, ['alert 2:120', 'end', 'abort']);
    t.match(strict.error, { name: 'PeerIncompatibleError', alert: 'no_application_protocol' });
  },
);

t.test('selectors in selectors, and byHello in them, which may take its time', async (t) => {
  const engine = byServerName({
    'a.example': byAlpn({ a: named('a'), b: byHello(({ serverName }) => (serverName ? of(named('b')) : undefined)) }),
    'c.example': named('c'),
  });
  t.equal(asked(engine, { serverName: 'a.example', alpnProtocols: ['a'] }), 'a');
  t.equal(asked(engine, { serverName: 'a.example', alpnProtocols: ['b'] }), 'b');
  t.equal(asked(engine, { serverName: 'a.example', alpnProtocols: ['c'] }), 'alert 2:120');
  t.equal(asked(engine, { serverName: 'c.example' }), 'c');
});

t.test('selectors: what can never serve is refused when they are made', async (t) => {
  const server = placeboEngine.server();
  const wrong: (() => unknown)[] = [
    () => byServerName({}),
    () => byServerName(null as never),
    () => byServerName({ '127.0.0.1': server }),
    () => byServerName({ 'not a name': server }),
    () => byServerName({ '*': server }),
    () => byServerName({ '*.*.example': server }),
    () => byServerName({ 'a.example': server, 'A.example': server }),
    () => byServerName({ 'a.example': placeboEngine.client() as never }),
    () => byServerName({ 'a.example': undefined as never }),
    () => byServerName({ 'a.example': server }, 5 as never),
    () => byAlpn({}),
    () => byAlpn({ '': server }),
    () => byAlpn({ ['h'.repeat(256)]: server }),
    () => byAlpn({ h2: {} as never }),
    () => byAlpn({ h2: server }, null as never),
  ];
  for (const make of wrong) t.throws(make, ApiMisuseError, String(make));
});

t.test('live selectors: K1 the map of names is an observable; generations are in negotiated', async (t) => {
  const hosts = new Subject<Record<string, string>>();
  const events: unknown[] = [];
  const engine = liveEngine(
    hosts,
    (names) => byServerName(Object.fromEntries(Object.entries(names).map(([name, who]) => [name, named(who)]))),
    { events: { next: (event) => events.push(event.type === 'rejected' ? event.type : event) } },
  );
  const listener = new Subject<Wire['duplex']>();
  const served: unknown[] = [];
  listener
    .pipe(
      secureEach(
        engine,
        ({ negotiated: { alpnProtocol, generation } }) => {
          served.push([alpnProtocol, generation]);
          return NEVER;
        },
        { scheduler: new Clock() },
      ),
    )
    .subscribe();
  const begin = (): Wire => {
    const wire = new Wire();
    listener.next(wire.duplex);
    wire.give(record.clientHello({ version: 'TLSv1.3', serverName: 'a.example', alpnProtocols: ['a', 'b'] }));
    return wire;
  };
  hosts.next({ 'a.example': 'a' });
  const inFlight = begin();
  hosts.next({ 'a.example': 'b' });
  inFlight.give(record.finished());
  begin().give(record.finished());
  hosts.next({}); // refused by byServerName
  begin().give(record.finished());
  hosts.next({ 'b.example': 'b' });
  t.equal(begin().calls[0], 'alert 2:112', 'a name that is gone is not served any more');
  hosts.complete();
  t.same(served, [
    ['a', 1],
    ['b', 2],
    ['b', 2],
  ]);
  t.same(events, [
    { type: 'swapped', generation: 1 },
    { type: 'swapped', generation: 2 },
    'rejected',
    { type: 'swapped', generation: 3 },
    { type: 'completed', generation: 3 },
  ]);
});

t.test('live engine: an observer of its events that throws is reported, and takes nothing away', async (t) => {
  const bang = new Error('the observer is broken');
  const events = {
    next: () => {
      throw bang;
    },
  };
  const hello = record.clientHello({ version: 'TLSv1.3', serverName: 'a.example', alpnProtocols: ['a'] });
  const reported = await unhandled(() => {
    const served = new Bench().start(liveEngine(of('a'), (name) => named(name), { events }));
    served.wire.give(hello, record.finished());
    t.equal(served.connection.negotiated.alpnProtocol, 'a');
    const cause = new Error('no credentials');
    const never = new Bench().start(
      liveEngine(
        throwError(() => cause),
        () => named('a'),
        { events },
      ),
    );
    t.match(never.error, { name: 'EngineFailureError', cause });
  });
  t.same(reported, [bang, bang, bang], 'swapped, completed, rejected');
});

t.test('live engine: credentials that come from within the work on earlier ones follow them', async (t) => {
  const log: unknown[] = [];
  for (const from of ['the projection', 'an observer of engines', 'an observer of events']) {
    const names = new Subject<string>();
    const renew = (who: string, isFirst: boolean): void => {
      if (who === from && isFirst) names.next('newer');
    };
    const engine = liveEngine(
      names,
      (name) => {
        renew('the projection', name === 'older');
        return named(name);
      },
      {
        events: {
          next: (event) => {
            log.push(event);
            renew('an observer of events', 'generation' in event && event.generation === 1);
          },
        },
      },
    );
    let latest: TlsEngineFactory<'server'> | undefined;
    engine.subscribe((factory) => {
      latest = factory;
      renew('an observer of engines', factory.generation === 1);
    });
    names.next('older');
    t.equal(asked(latest!, { alpnProtocols: ['newer', 'older'] }), 'newer', from);
    const swaps = [1, 2].map((generation) => ({ type: 'swapped', generation }));
    t.same(log.splice(0), swaps, from);
  }
});

t.test('live engine: a client engine serves nobody, and the last good one goes on', async (t) => {
  const client = placeboEngine.client() as unknown as TlsEngineFactory<'server'>;
  const engines = new Subject<TlsEngineFactory<'server'>>();
  const listener = new Subject<Wire['duplex']>();
  const failures: unknown[] = [];
  listener
    .pipe(secureEach(engines, () => NEVER, { scheduler: new Clock(), failed: ({ error }) => failures.push(error) }))
    .subscribe();
  const begin = (): Wire => {
    const wire = new Wire();
    listener.next(wire.duplex);
    wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
    return wire;
  };
  engines.next(client);
  t.same(begin().calls, ['abort'], 'no ClientHello of ours');
  t.match(failures, [{ name: 'ApiMisuseError', message: /server engine is wanted/ }]);
  engines.next(named('a'));
  engines.next(client);
  t.same(begin().calls, ['handshake 2']);

  const either = new Subject<EngineChoice<'server'>>();
  const bench = new Bench().start(either);
  either.next(named('a'));
  either.next(client);
  bench.wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
  t.equal(bench.connections, 1, 'secure: the first has the role for all');
});

t.test('byHello: is not asked for a connection that an observer has let go of', async (t) => {
  for (const what of ['events', 'readiness'] as const) {
    let asked = 0;
    const bench = new Bench();
    const next = (told: TlsEvent | Readiness): void => {
      const isAdmitted = 'type' in told && told.type === 'handshake' && told.step === 'admitted';
      if (isAdmitted || ('engine' in told && told.engine === 'WANT_CLIENT_HELLO_CB')) bench.subscription!.unsubscribe();
    };
    bench.start(
      byHello(() => {
        asked++;
        return NEVER;
      }),
      { observe: { [what]: { next } } },
    );
    bench.wire.give(record.clientHello({ version: 'TLSv1.3' }));
    t.same([bench.wire.calls, asked, bench.clock.pending], [['abort'], 0, 0], what);
  }
});

t.test('byHello: an open connection does not hold its ClientHello', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let hello: WeakRef<ClientHello> | undefined;
  const bench = new Bench().start(
    byHello((given) => {
      hello = new WeakRef(given);
      return placeboEngine.server();
    }),
  );
  bench.wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  t.equal(bench.connections, 1);
  t.equal(hello?.deref(), undefined);
});

t.test(
  'generations: a bare observable of selectors has none, clients have them, byHello takes its answer’s',
  async (t) => {
    const hello = record.clientHello({ version: 'TLSv1.3', serverName: 'a.example', alpnProtocols: ['a'] });
    const bare = new Bench().start(of('a').pipe(map((name) => byServerName({ 'a.example': named(name) }))));
    bare.wire.give(hello, record.finished());
    t.notOk('generation' in bare.connection.negotiated);
    const client = new Bench().start(liveEngine(of(1, 2, 3), () => placeboEngine.client())).handshake();
    t.equal(client.connection.negotiated.generation, 3);
    const live = liveEngine(of(1, 2), () => named('a'));
    let latest: TlsEngineFactory<'server'> | undefined;
    live.subscribe((factory) => (latest = factory));
    const chosen = new Bench().start(byHello(() => latest));
    chosen.wire.give(hello, record.finished());
    t.equal(chosen.connection.negotiated.generation, 2);
  },
);

t.test('ja4: the published example, GREASE, no extensions, odd protocols', async (t) => {
  const sha256 = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();
  const numbers = (text: string): number[] => text.split(',').map((each) => Number.parseInt(each, 16));
  const chrome: ClientHello = {
    legacyVersion: 0x0303,
    supportedVersions: numbers('0a0a,0304,0303'),
    cipherSuites: numbers('5a5a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035'),
    extensions: numbers('9a9a,001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015'),
    serverName: 'example.test',
    alpnProtocols: ['h2', 'http/1.1'],
    supportedGroups: [],
    signatureSchemes: numbers('0403,0804,0401,0503,0805,0501,0806,0601'),
    message: new Uint8Array(0),
  };
  t.equal(ja4(chrome, sha256), 't13d1516h2_8daaf6152771_e5627efa2ab1');
  t.equal(ja4({ ...chrome, extensions: [...chrome.extensions].reverse() }, sha256), ja4(chrome, sha256), 'their order');
  const bare: ClientHello = {
    ...chrome,
    supportedVersions: [0x0301],
    cipherSuites: [],
    extensions: [],
    signatureSchemes: [],
    alpnProtocols: [],
  };
  t.equal(ja4(bare, sha256), 't10i000000_000000000000_000000000000');
  for (const [versions, name] of [
    [[0x0002], 's2'],
    [[0x0304, 0xfefd], 'd2'],
    [[0xfafa, 0x0305], '00'],
  ] as const)
    t.ok(ja4({ ...bare, supportedVersions: versions }, sha256).startsWith(`t${name}i`), name);
  t.match(ja4({ ...bare, alpnProtocols: ['\u00ab\u00cd'] }, sha256), /^t10i0000ad_/);
  t.match(ja4({ ...bare, alpnProtocols: ['\u00ab'] }, sha256), /^t10i0000ab_/);
  t.match(ja4({ ...bare, alpnProtocols: ['0\u00ab'] }, sha256), /^t10i00003b_/);
  t.match(ja4({ ...bare, alpnProtocols: ['01\u00ab\u00cd'] }, sha256), /^t10i00003d_/);
  t.match(ja4({ ...bare, alpnProtocols: ['0\u00ab\u00cd1'] }, sha256), /^t10i000001_/);
  t.match(ja4({ ...bare, alpnProtocols: ['x'] }, sha256), /^t10i0000xx_/);
  t.match(ja4({ ...bare, cipherSuites: Array.from({ length: 120 }, (_, at) => at) }, sha256), /^t10i990000_/);
  t.throws(() => ja4({ ...bare, cipherSuites: [1] }, () => new Uint8Array(20)), ApiMisuseError);
});
