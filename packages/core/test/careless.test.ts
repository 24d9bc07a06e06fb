// Applications and transports that throw where nobody expects it, or that never stop: what they may cost, and whom.
import {
  byHello,
  type ByteDuplex,
  CreditSource,
  liveEngine,
  open,
  secure,
  secureEach,
  type TlsConnection,
  use,
  whenSafe,
} from '@rxtls/core';
import {
  defaultLimits,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsEngineSink,
  type TlsEvent,
  type TlsHost,
} from '@rxtls/core/engine';
import { concat, finalize, NEVER, Observable, of, Subject, take, tap, timer } from 'rxjs';
import t from 'tap';
import {
  ascii,
  Bench,
  Clock,
  joined,
  openClient,
  pattern,
  placeboEngine,
  record,
  sameBytes,
  unhandled,
  Wire,
} from './bench.ts';

const broken = (): never => {
  throw new Error('a finalizer broke');
};

t.test(
  'rule 16: a finalizer that throws at the end keeps nobody else from hearing of it, and is reported',
  async (t) => {
    for (const last of [record.closeNotify(), record.alert('fatal', 'bad_record_mac')]) {
      const bench = openClient({ read: false });
      const told: string[] = [];
      const errors = await unhandled(() => {
        const { connection } = bench;
        const ends: readonly Observable<unknown>[] = [
          connection.plaintext,
          connection.ledger,
          connection.events,
          connection.sink.demand,
          connection.closeWrite(),
          connection.close(),
        ];
        for (const end of ends) end.pipe(finalize(broken)).subscribe({ error: () => undefined });
        connection.close().subscribe({ error: () => told.push('close'), complete: () => told.push('close') });
        bench.wire.give(last);
      });
      t.same(told, ['close']);
      t.match(bench.log.at(-1), /^(complete|error)/, 'the owner hears of it');
      t.match(errors[0], { name: 'UnsubscriptionError' });
      t.equal(bench.clock.pending, 0);
    }
  },
);

t.test('rule 4: a finalizer that throws when its write is flushed changes nothing for the others', async (t) => {
  const bench = openClient();
  bench.wire.holds = true;
  const errors = await unhandled(() => {
    bench.connection.write(ascii('one')).pipe(finalize(broken)).subscribe();
    bench.connection.write(ascii('two'));
    bench.wire.taken.set(bench.wire.written);
    bench.wire.give(record.applicationData(ascii('still here')));
  });
  t.match(errors, [{ name: 'UnsubscriptionError' }]);
  t.equal(bench.ackLog.filter((ack) => ack.includes('flushed')).length, 2);
  t.equal(bench.received, 'still here');
});

t.test('rule 11: whatever throws inside a turn ends the connection; it is never left standing still', async (t) => {
  const bench = openClient({ read: false });
  await unhandled(() => {
    bench.connection.plaintext.pipe(tap(broken), finalize(broken)).subscribe({ error: () => undefined });
    bench.wire.give(record.applicationData(ascii('x')));
  });
  t.match(bench.error, { name: 'EngineFailureError', message: 'an observer of the connection threw' });
  t.same(bench.wire.calls.slice(-2), ['end', 'abort']);
});

t.test('rule 9: an engine that throws has told the peer nothing: the wire is cut, not ended', async (t) => {
  const { role, capabilities, ...rest } = placeboEngine.client();
  t.same(rest, {});
  const factory = (sink: TlsEngineSink, host: TlsHost): TlsEngine =>
    Object.assign(placeboEngine.client()(sink, host), {
      sendPlaintext: () => {
        throw new Error('broken');
      },
    });
  const bench = new Bench().start(Object.assign(factory, { role, capabilities })).handshake();
  const before = bench.wire.calls.length;
  bench.connection.write(ascii('x'));
  t.match(bench.error, { name: 'EngineFailureError', message: 'the engine threw' });
  t.same(bench.wire.calls.slice(before), ['abort']);
});

t.test('rule 12: a transport whose request throws has failed', async (t) => {
  const wire = new Wire();
  const { source } = wire.duplex;
  let calls = 0;
  const request = (bytes: number): void => {
    if (++calls > 1) throw new Error('no more');
    source.request(bytes);
  };
  Object.assign(wire.duplex, { source: { bytes: source.bytes, request } });
  const bench = new Bench(wire).start(placeboEngine.client({ version: 'TLSv1.3' })).handshake();
  for (let given = 0; given < 30 && bench.error === undefined; given++)
    wire.give(record.applicationData(new Uint8Array(16_000)));
  t.match(bench.error, { name: 'AbortedError', message: 'the transport failed: no more' });
  t.equal(wire.count('abort'), 1);
});

t.test(
  'rule 16: unwrap gives back what came after close_notify, when the transport has ended behind it too',
  async (t) => {
    const bench = openClient();
    const seen: (number | string)[] = [];
    bench.wire.holds = true; // our close_notify is not out before the transport's end is heard
    bench.connection.unwrap().subscribe(({ source }) => {
      source.bytes.subscribe({ next: (bytes) => seen.push(...bytes), complete: () => seen.push('end') });
      source.request(100);
    });
    bench.wire.give(joined([record.closeNotify(), Uint8Array.of(1, 2)]), Uint8Array.of(3));
    bench.wire.source.complete();
    bench.wire.taken.set(bench.wire.written);
    t.same(seen, [1, 2, 3, 'end']);
  },
);

t.test('rule 16: secureEach forgets a connection that was unwrapped once its work is done', async (t) => {
  const listener = new Subject<ByteDuplex>();
  const [server, clock] = [new Wire(), new Clock()];
  let isDone = false;
  listener
    .pipe(secureEach(placeboEngine.server(), (connection) => connection.unwrap(), { scheduler: clock }))
    .subscribe({ complete: () => (isDone = true) });
  const client = new Bench(new Wire(), clock);
  server.onWrite = (bytes) => client.wire.give(bytes);
  client.wire.onWrite = (bytes) => server.give(bytes);
  client.start(placeboEngine.client());
  listener.next(server.duplex);
  listener.complete();
  t.ok(client.isComplete);
  t.ok(isDone);
});

t.test(
  'rule 7: writeFrom lets the event loop round, however much an iterable has and the transport takes',
  async (t) => {
    const { maxBytesPerTurn, maxStepsPerTurn } = defaultLimits;
    for (const size of [1, 16_384]) {
      const bench = openClient();
      const most = Math.min(maxBytesPerTurn / size, maxStepsPerTurn);
      let pulled = 0;
      let isDone = false;
      function* long(): Generator<Uint8Array> {
        for (; pulled < 3 * most; pulled++) yield new Uint8Array(size);
      }
      bench.connection.writeFrom(long()).subscribe({ complete: () => (isDone = true) });
      t.ok(pulled > 0 && pulled <= most, `${pulled} before it returned`);
      bench.clock.to(1);
      t.equal(pulled, 3 * most, 'it goes on');
      t.ok(isDone);
      bench.connection.writeFrom(long()).subscribe().unsubscribe();
      bench.subscription?.unsubscribe();
      t.equal(bench.clock.pending, 0);
    }
  },
);

t.test('rule 7: one-byte chunks that cannot be written yet are not copied over and over', async (t) => {
  const source = new CreditSource();
  const bench = openClient();
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  const { maxQueuedWrites, writeHighWater } = defaultLimits;
  bench.connection.writeFrom(source).subscribe({ error: () => undefined });
  const before = performance.now();
  for (let given = 0; given < writeHighWater; given++) source.push(Uint8Array.of(given % 251));
  t.ok(performance.now() - before < 10_000, 'copying each time took minutes');
  t.equal(bench.ledger.accepted, maxQueuedWrites);
  bench.wire.grant(Number.POSITIVE_INFINITY);
  bench.clock.to(10);
  t.ok(sameBytes(bench.wire.sent, pattern(writeHighWater)), 'all of it, in order');
});

t.test('rule 11: a source of writes whose request throws fails its writeFrom and nothing else', async (t) => {
  const bench = openClient();
  const bytes = new Subject<Uint8Array>();
  let calls = 0;
  let error: unknown;
  const request = (): void => {
    if (++calls > 1) throw new Error('no more');
  };
  bench.connection.writeFrom({ bytes, request }).subscribe({ error: (thrown) => (error = thrown) });
  bytes.next(Uint8Array.of(1));
  t.match(error, { message: 'no more' });
  t.equal(bench.error, undefined);
});

t.test('rule 11: a function whose answer cannot be looked at fails its connection at once', async (t) => {
  const answers = [{ [Symbol.for('observable')]: () => undefined }, new Proxy({}, { get: () => broken() })];
  for (const answer of answers) {
    const bench = new Bench().start(placeboEngine.client({ verify: () => answer as never })).handshake();
    t.match(bench.error, { name: 'EngineFailureError' });
    t.equal(bench.clock.pending, 0);
  }
});

t.test('rule 11: a teardown that throws below the answer to a ClientHello costs no connection its end', async (t) => {
  const hello = record.clientHello({ version: 'TLSv1.3' });
  const choices = {
    sync: of(placeboEngine.server()),
    later: new Subject<TlsEngineFactory<'server'>>(),
    never: NEVER,
  };
  const begin = (choice: Observable<TlsEngineFactory<'server'>>): Bench => {
    const bench = new Bench().start(byHello(() => choice.pipe(finalize(broken))));
    bench.wire.give(hello, record.finished());
    return bench;
  };
  const errors = await unhandled(() => {
    t.equal(begin(choices.sync).connections, 1);
    const later = begin(choices.later);
    choices.later.next(placeboEngine.server());
    choices.later.complete();
    t.equal(later.connections, 1);
    const late = begin(choices.never);
    late.clock.to(defaultLimits.taskTimeout);
    t.match(late.error, { name: 'HandshakeTimeoutError', limit: 'taskTimeout' });
    const cut = begin(choices.never);
    cut.wire.source.complete();
    t.match(cut.error, { name: 'TruncationError' });
    const left = begin(choices.never);
    left.subscription!.unsubscribe();
    for (const { wire, clock } of [late, cut, left]) t.same([wire.count('abort'), clock.pending], [1, 0]);
  });
  t.match(
    errors.map((error) => (error as Error).name),
    ['UnsubscriptionError', 'UnsubscriptionError', 'UnsubscriptionError', 'UnsubscriptionError'],
  );
});

t.test('rule 11: an observable that never stops while it is subscribed to has given two values', async (t) => {
  let given = 0;
  const endless = new Observable<TlsEngineFactory<'server'>>((subscriber) => {
    for (; !subscriber.closed && given < 100; given++) subscriber.next(placeboEngine.server());
  });
  const bench = new Bench().start(byHello(() => endless));
  bench.wire.give(record.clientHello({ version: 'TLSv1.3' }));
  t.match(bench.error, { name: 'EngineFailureError', message: /two values/ });
  t.equal(given, 2);
});

t.test(
  'rule 9: a transport whose teardown throws is let go of all the same, and whoever waits hears of it',
  async (t) => {
    const wire = new Wire();
    const { source } = wire.duplex;
    Object.assign(wire.duplex, { source: { ...source, bytes: source.bytes.pipe(finalize(broken)) } });
    const bench = new Bench(wire);
    const errors = await unhandled(() => {
      bench.start(placeboEngine.client({ version: 'TLSv1.3' })).handshake();
      wire.give(record.alert('fatal', 'bad_record_mac'));
    });
    t.same([wire.count('abort'), bench.clock.pending], [1, 0]);
    t.same(bench.log, ['next', 'plaintext error: AlertReceivedError', 'error: AlertReceivedError']);
    t.match(errors, [{ name: 'UnsubscriptionError' }]);
  },
);

t.test('rule 11: a teardown of the work or of the upgrade that throws holds up neither close nor server', async (t) => {
  const upgrade = (duplexes: Observable<ByteDuplex>): Observable<ByteDuplex> =>
    concat(duplexes, NEVER).pipe(finalize(broken));
  let clock = new Clock();
  const errors = await unhandled(() => {
    const cases: readonly [string, (connection: TlsConnection) => Observable<unknown>, object, Uint8Array][] = [
      ['done', () => timer(100, clock), {}, record.closeNotify()],
      ['never done', () => NEVER, {}, record.alert('fatal', 'internal_error')],
      ['reads', ({ plaintext }) => plaintext, {}, record.alert('fatal', 'internal_error')],
      ['upgraded', ({ plaintext }) => plaintext, { upgrade }, record.closeNotify()],
    ];
    for (const [name, work, options, last] of cases) {
      clock = new Clock();
      const wire = new Wire();
      const log: string[] = [];
      of(wire.duplex)
        .pipe(
          secureEach(placeboEngine.server(), (each) => work(each).pipe(finalize(broken)), {
            ...options,
            scheduler: clock,
            failed: ({ error }) => log.push((error as Error).name),
          }),
        )
        .subscribe({ complete: () => log.push('complete') });
      wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
      clock.to(1_000);
      wire.give(last);
      t.same(log, last[0] === 21 && last[5] === 2 ? ['AlertReceivedError', 'complete'] : ['complete'], name);
      t.same([wire.count('end'), clock.pending], [1, 0], name);
    }
  });
  t.equal(errors.length, 5);
});

t.test('use: work that emits without a pause stops as soon as nobody wants more', async (t) => {
  let given = 0;
  const endless = new Observable<number>((subscriber) => {
    for (; !subscriber.closed && given < 100; given++) subscriber.next(given);
  });
  const wire = new Wire();
  const values: number[] = [];
  concat(of(wire.duplex), NEVER)
    .pipe(
      secureEach(placeboEngine.server(), () => endless, { scheduler: new Clock() }),
      take(2),
    )
    .subscribe((value) => values.push(value));
  wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
  t.same(values, [0, 1]);
  t.ok(given <= 3, `${given} were given`);
  t.equal(wire.count('abort'), 1);
});

t.test('rule 12: a connection that ended while another was told of the first engine is not told', async (t) => {
  const engines = new Subject<TlsEngineFactory<'server'>>();
  const listener = new Subject<ByteDuplex>();
  const [first, second, clock] = [new Wire(), new Wire(), new Clock()];
  const options = { scheduler: clock, limits: { handshakeTimeout: 10_000 } };
  const serving = listener.pipe(secureEach(engines, (connection) => connection.plaintext, options)).subscribe();
  listener.next(first.duplex);
  listener.next(second.duplex);
  first.give(Uint8Array.of(22, 3, 3, 0, 4, 99)); // no ClientHello: it is refused with an alert as soon as there is an engine
  first.onWrite = () => serving.unsubscribe();
  engines.next(placeboEngine.server());
  t.same(second.calls, ['abort']);
  t.equal(clock.pending, 0, 'no timer of a dead connection runs');
});

t.test(
  'rule 10: TLS 1.2: a write from inside the news of ignored bytes is refused, for the peer has closed',
  async (t) => {
    const bench = new Bench();
    const events = {
      next: ({ type }: TlsEvent) => void (type === 'ignored' && bench.connection.write(ascii('late'))),
    };
    bench.start(placeboEngine.client({ version: 'TLSv1.2' }), { observe: { events } }).handshake();
    bench.wire.give(joined([record.closeNotify(), Uint8Array.of(1, 2, 3)]));
    t.same(bench.ackLog, ['#1 refused 4']);
    t.same(bench.log, ['next', 'plaintext complete', 'complete']);
  },
);

t.test('rule 14: what can never work is refused when it is written, with what to do', async (t) => {
  const client = placeboEngine.client();
  for (const [name, call, says] of [
    ['whenSafe', () => whenSafe(3 as never), /count/],
    ['whenSafe', () => whenSafe(undefined as never), /count/],
    ['whenSafe', () => whenSafe({ count: 0 }), /count/],
    ['whenSafe', () => whenSafe({ count: 1, delay: -1 }), /delay/],
    ['whenSafe', () => whenSafe({ count: 1, delay: 2 ** 31 }), /delay/],
    ['use', () => use(undefined as never), /function/],
    ['secureEach', () => secureEach(client as never, () => []), /server engine/],
    ['secure', () => secure(undefined as never), /engine/],
    ['liveEngine', () => liveEngine({ cert: '', key: '' } as never, () => client), /observable/],
    ['liveEngine', () => liveEngine(NEVER, undefined as never), /function/],
    ['liveEngine', () => liveEngine(NEVER, () => client, { events: (() => undefined) as never }), /observer/],
  ] as const)
    t.throws(call, { name: 'ApiMisuseError', message: says }, name);
  await t.rejects(open(undefined as never), { name: 'ApiMisuseError', message: /observable/ });
});
