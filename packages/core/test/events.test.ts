// What `events` tells of a connection, and that nothing is made of it while nobody observes.
import { byHello, secure, secureEach, type SecureOptions } from '@rxtls/core';
import { ApiMisuseError, type TlsEvent } from '@rxtls/core/engine';
import { concat, NEVER, of, startWith, Subject } from 'rxjs';
import t from 'tap';
import { EventStream } from '../src/event-stream.ts';
import { Bench, Clock, openClient, placeboEngine, record, securedPair, Wire } from './bench.ts';

/** Without the records, which other tests count. */
const told = (bench: Bench): TlsEvent[] => bench.events.filter(({ type }) => type !== 'record');
const hello = record.clientHello({ version: 'TLSv1.3' });

t.test('events: the steps of a handshake with their times, of a task how long it took, and the end', async (t) => {
  const choice = new Subject<ReturnType<typeof placeboEngine.server>>();
  const bench = new Bench().start(byHello(() => choice));
  bench.clock.to(10);
  bench.wire.give(hello);
  bench.clock.to(40);
  choice.next(placeboEngine.server());
  choice.complete();
  bench.clock.to(50);
  bench.wire.give(record.finished());
  bench.clock.to(1_000);
  bench.connection.close().subscribe();
  bench.wire.give(record.closeNotify());
  t.match(told(bench), [
    { type: 'handshake', step: 'client-hello', milliseconds: 10 },
    { type: 'handshake', step: 'admitted', milliseconds: 10 },
    { type: 'task', name: 'byHello', outcome: 'answered', milliseconds: 30 },
    {
      type: 'handshake',
      step: 'negotiated',
      milliseconds: 50,
      version: 'TLSv1.3',
      cipherSuite: 'TLS_NULL_WITH_NULL_NULL',
      resumed: false,
    },
    { type: 'alert', direction: 'sent', level: 'warning', description: 'close_notify' },
    { type: 'alert', direction: 'received', level: 'warning', description: 'close_notify' },
    { type: 'ended', milliseconds: 1_000 },
  ]);
  t.notOk('error' in bench.events.at(-1)!, 'a clean end has none');
  t.ok(bench.events.every((event) => Object.isFrozen(event)));
});

t.test('events: the wait for a slot is between client-hello and admitted', async (t) => {
  const clock = new Clock();
  const seen: TlsEvent[][] = [];
  const wires = [new Wire(), new Wire()];
  const observe = (): { events: { next: (event: TlsEvent) => void } } => {
    const events: TlsEvent[] = [];
    seen.push(events);
    return { events: { next: (event) => void events.push(event) } };
  };
  concat(of(...wires.map(({ duplex }) => duplex)), NEVER)
    .pipe(secureEach(placeboEngine.server(), () => NEVER, { scheduler: clock, maxConcurrentHandshakes: 1, observe }))
    .subscribe();
  for (const wire of wires) wire.give(hello);
  clock.to(70);
  wires[0]!.give(record.finished());
  t.match(seen[1]!.slice(0, 2), [
    { step: 'client-hello', milliseconds: 0 },
    { step: 'admitted', milliseconds: 70 },
  ]);
});

t.test('events: a failure is told with its phase and its time, on every way out', async (t) => {
  const ways: readonly (readonly [string, (bench: Bench) => void, object])[] = [
    ['silence', (bench) => bench.clock.to(5_000), { name: 'HandshakeTimeoutError', phase: 'client-hello' }],
    ['no TLS', (bench) => bench.wire.give(Uint8Array.of(71, 69, 84)), { name: 'NotTlsError', phase: 'client-hello' }],
    ['a wrong message', (bench) => bench.wire.give(hello, hello), { name: 'PeerMisbehavedError', phase: 'handshake' }],
    ['unsubscribed', (bench) => bench.subscription?.unsubscribe(), { name: 'AbortedError' }],
    [
      'cut when open',
      (bench) => {
        bench.wire.give(hello, record.finished());
        bench.wire.source.complete();
      },
      { name: 'TruncationError', phase: 'open' },
    ],
  ];
  for (const [name, way, error] of ways) {
    const bench = new Bench().start(placeboEngine.server());
    bench.clock.to(3);
    way(bench);
    const last = bench.events.at(-1)!;
    t.match(last, { type: 'ended', error }, name);
    t.equal(last.type === 'ended' && last.milliseconds, name === 'silence' ? 5_000 : 3, name);
    t.equal(bench.events.filter(({ type }) => type === 'ended').length, 1, name);
    if (name !== 'unsubscribed') t.equal(last.type === 'ended' && last.error, bench.error, 'the one everybody hears');
  }
});

t.test('events: a task that fails says so, before the end', async (t) => {
  const bench = new Bench().start(byHello(() => NEVER));
  bench.wire.give(hello);
  bench.clock.to(5_000);
  t.match(told(bench).slice(-3), [
    { type: 'task', name: 'byHello', outcome: 'failed', milliseconds: 5_000 },
    { type: 'alert', direction: 'sent', level: 'fatal', description: 'handshake_failure' },
    { type: 'ended', error: { name: 'HandshakeTimeoutError' } },
  ]);
  const verifying = new Bench().start(placeboEngine.client({ verify: () => false }));
  verifying.handshake();
  t.match(told(verifying)[0], { type: 'task', name: 'verify', outcome: 'answered' });
});

t.test('events: the alert of a failure is told, whoever sent it', async (t) => {
  const early = new Bench().start(byHello(() => undefined));
  early.wire.give(hello);
  t.same(early.wire.calls, ['alert 2:112', 'end', 'abort']);
  t.match(early.events.slice(-3), [
    { type: 'record', direction: 'sent', contentType: 'alert', bytes: 2 },
    { type: 'alert', direction: 'sent', level: 'fatal', description: 'unrecognized_name' },
    { type: 'ended' },
  ]);
  // Core ends it, and the engine's last words are an alert.
  const late = new Bench().start(placeboEngine.client());
  late.clock.to(10_000);
  t.match(told(late), [
    { type: 'alert', direction: 'sent', level: 'fatal', description: 'handshake_failure' },
    { type: 'ended', error: { name: 'HandshakeTimeoutError', phase: 'handshake' } },
  ]);
});

t.test('limits: events announce a ClientHello, a queue of writes and one of handshakes', async (t) => {
  const limits = { maxClientHelloRecords: 8, maxClientHelloBytes: hello.length, maxClientHelloWireBytes: 1_000 };
  const slow = new Bench().start(placeboEngine.server(), { limits });
  const message = hello.subarray(5);
  for (let at = 0; at < 7; at++) slow.wire.give(Uint8Array.of(22, 3, 3, 0, 1), message.subarray(at, at + 1));
  t.same(
    slow.events.filter(({ type }) => type === 'limit'),
    [{ type: 'limit', limit: 'maxClientHelloRecords', used: 6, max: 8 }],
  );

  const writing = openClient({ limits: { maxQueuedWrites: 4 } }, 'TLSv1.3', new Wire(0));
  for (let write = 0; write < 4; write++) writing.connection.write(Uint8Array.of(1));
  t.same(
    writing.events.filter(({ type }) => type === 'limit'),
    [{ type: 'limit', limit: 'maxQueuedWrites', used: 3, max: 4 }],
  );

  const crowd: TlsEvent[] = [];
  const wires = Array.from({ length: 5 }, () => new Wire());
  concat(of(...wires.map(({ duplex }) => duplex)), NEVER)
    .pipe(
      secureEach(placeboEngine.server(), () => NEVER, {
        scheduler: new Clock(),
        limits: { maxConcurrentHandshakes: 1, maxWaitingHandshakes: 4 },
        observe: { events: { next: (event) => void crowd.push(event) } },
      }),
    )
    .subscribe();
  for (const wire of wires) wire.give(hello);
  t.same(
    crowd.filter(({ type }) => type === 'limit'),
    [3, 4].map((used) => ({ type: 'limit', limit: 'maxWaitingHandshakes', used, max: 4 })),
  );
});

t.test('observe: a function makes the observers of each connection, from what its transport tells', async (t) => {
  const log: string[] = [];
  const wires = ['a', 'b'].map((remote) => {
    const wire = new Wire();
    Object.assign(wire.duplex, { info: { remote } });
    return wire;
  });
  concat(of(...wires.map(({ duplex }) => duplex)), NEVER)
    .pipe(
      secureEach(placeboEngine.server(), () => NEVER, {
        scheduler: new Clock(),
        observe: ({ remote }) => ({
          events: {
            next: ({ type }) => void (type === 'ended' && log.push(`${remote} ended`)),
            complete: () => void log.push(`${remote} complete`),
          },
        }),
      }),
    )
    .subscribe();
  wires[1]!.give(Uint8Array.of(0));
  wires[0]!.give(Uint8Array.of(0));
  t.same(log, ['b ended', 'b complete', 'a ended', 'a complete']);
});

t.test('observe: a function that throws, or gives no observers, ends its own connection', async (t) => {
  const faults: readonly (readonly [SecureOptions['observe'], object])[] = [
    [
      () => {
        throw new Error('observe');
      },
      { name: 'EngineFailureError', cause: { message: 'observe' } },
    ],
    [() => undefined as never, { name: 'ApiMisuseError' }],
    [() => 5 as never, { name: 'ApiMisuseError' }],
    [() => ({ event: {} }) as never, { name: 'ApiMisuseError', message: /no 'event'; there are .*events/ }],
  ];
  for (const [observe, error] of faults) {
    const wire = new Wire();
    let failure: unknown;
    of(wire.duplex)
      .pipe(secure(placeboEngine.client(), { observe: observe!, scheduler: new Clock() }))
      .subscribe({ error: (cause: unknown) => (failure = cause) });
    t.match(failure, error);
    t.same(wire.calls, ['abort']);
  }
  t.ok(new ApiMisuseError('x'));
});

t.test('observe: observers that would hear nothing are refused when the operator is made', async (t) => {
  for (const observe of [null, 5, { event: {} }, { events: () => undefined }, { acks: null }])
    t.throws(
      () => secure(placeboEngine.client(), { observe: observe as never }),
      ApiMisuseError,
      JSON.stringify(observe),
    );
  for (const scheduler of [null, {}, () => undefined])
    t.throws(() => secure(placeboEngine.client(), { scheduler: scheduler as never }), /scheduler of RxJS/);
  t.doesNotThrow(() => secure(placeboEngine.client(), { observe: Object.create({ event: {} }) as object }));
});

t.test('events: while nobody observes, no event is made', async (t) => {
  const next = Reflect.get(EventStream.prototype, 'next') as (this: EventStream, event: TlsEvent) => void;
  let made = 0;
  EventStream.prototype.next = function (event) {
    made++;
    next.call(this, event);
  };
  t.teardown(() => {
    EventStream.prototype.next = next;
  });
  const run = (observe: NonNullable<SecureOptions['observe']>): number => {
    made = 0;
    const { client, server } = securedPair({
      engines: [placeboEngine.client({ verify: () => true }), byHello(() => placeboEngine.server())],
      client: { observe },
      server: { observe },
    });
    client.connection.write(new Uint8Array(100_000));
    server.connection.updateKeys();
    client.connection.close().subscribe();
    const refused = new Bench().start(
      byHello(() => undefined),
      { observe },
    );
    refused.wire.give(hello);
    NEVER.pipe(startWith(new Wire().duplex), secure(placeboEngine.client(), { observe })).subscribe().unsubscribe();
    return made;
  };
  t.equal(run({ events: undefined as never }), 0);
  t.ok(run({ events: { next: () => undefined } }) > 20, 'the same with an observer');
});
