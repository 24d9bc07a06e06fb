// The rules of ARCHITECTURE.md, one by one, over the placebo engine.
import { type Readiness, secure, whenSafe } from '@rxtls/core';
import { ApiMisuseError, TlsError, WriteRefusedError } from '@rxtls/core/engine';
import { concat, defer, NEVER, of, retry, Subject } from 'rxjs';
import t from 'tap';
import {
  ascii,
  Bench,
  bookkeeping,
  Clock,
  haunted,
  joined,
  openClient,
  pattern,
  placeboEngine,
  record,
  recordsOf,
  securedPair,
  settled,
  text,
  Wire,
} from './bench.ts';

const versions = ['TLSv1.3', 'TLSv1.2'] as const;

// ── rule 1 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 1: a connection is emitted after the last round trip, once, and not before', async (t) => {
  for (const version of versions) {
    const bench = new Bench().start(placeboEngine.client({ version }));
    t.equal(bench.connections, 0);
    bench.wire.give(record.serverFlight(1, false));
    t.equal(bench.connections, 0, 'a round trip is missing');
    bench.wire.give(record.serverFlight(2, true));
    t.equal(bench.connections, 1);
    bench.wire.give(record.applicationData(ascii('x')));
    t.equal(bench.connections, 1);
    t.equal(bench.connection.negotiated.version, version);
  }
});

t.test('rule 1: core refuses every verification but passed and not-requested, whatever the engine says', async (t) => {
  for (const verification of ['passed', 'not-requested'] as const) {
    const bench = new Bench().start(placeboEngine.client({ verification })).handshake();
    t.equal(bench.connections, 1, verification);
  }
  for (const verification of [
    'expired',
    'unknown-authority',
    'missing',
    'refused-by-verify',
    '' as 'missing',
  ] as const) {
    const bench = new Bench().start(placeboEngine.client({ verification })).handshake();
    t.equal(bench.connections, 0, verification);
    t.match(bench.error, { name: 'CertificateError', reason: verification, phase: 'verification' });
    t.equal(bench.wire.count('abort'), 1);
  }
});

t.test('rule 1: an engine that negotiates twice ends its connection', async (t) => {
  const factory = placeboEngine.client();
  const twice = Object.assign(
    (sink: Parameters<typeof factory>[0], host: Parameters<typeof factory>[1]) =>
      factory(
        haunted(sink, {
          negotiated(parameters) {
            sink.negotiated(parameters);
            sink.negotiated(parameters);
          },
        }),
        host,
      ),
    { role: factory.role, capabilities: factory.capabilities },
  );
  const bench = new Bench().start(twice).handshake();
  t.equal(bench.connections, 1);
  t.match(bench.error, { name: 'EngineFailureError' });
});

t.test('rule 1: a second transport from the same source is refused', async (t) => {
  const [first, second] = [new Wire(), new Wire()];
  const errors: unknown[] = [];
  concat(of(first.duplex, second.duplex), NEVER)
    .pipe(secure(placeboEngine.client(), { scheduler: new Clock() }))
    .subscribe({ error: (error) => errors.push(error) });
  t.match(errors, [{ name: 'ApiMisuseError' }]);
  t.equal(first.count('abort'), 1);
  t.equal(second.count('abort'), 1);
});

// ── rule 2 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 2: plaintext completes on close_notify, and a bare end is a truncation with its count', async (t) => {
  for (const version of versions) {
    const clean = openClient({}, version);
    clean.wire.give(record.applicationData(ascii('hello')), record.closeNotify());
    t.equal(clean.received, 'hello');
    t.match(clean.log, ['next', 'plaintext complete', 'complete']);

    const cut = openClient({}, version);
    cut.wire.give(record.applicationData(ascii('hello')));
    cut.wire.source.complete();
    t.match(cut.plaintextError, { name: 'TruncationError', bytesReceived: 5, phase: 'open', retryable: true });
    t.equal(cut.error, cut.plaintextError);
    t.equal(cut.clock.pending, 0, 'no timer is left');
  }
});

t.test('rule 2: truncation: complete takes a bare end for the end, but never during the handshake', async (t) => {
  const bench = openClient({ truncation: 'complete' });
  bench.wire.give(record.applicationData(ascii('hello')));
  bench.wire.source.complete();
  t.equal(bench.received, 'hello');
  t.same(bench.log, ['next', 'plaintext complete', 'complete']);
  const early = new Bench().start(placeboEngine.client(), { truncation: 'complete' });
  early.wire.source.complete();
  t.match(early.error, { name: 'TruncationError', phase: 'handshake' });
});

// ── rule 3 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 3: data, key updates and the close go out in the order they were asked for', async (t) => {
  const bench = new Bench(new Wire(0)).start(placeboEngine.client());
  bench.wire.grant(1_000);
  bench.handshake();
  const { connection, wire } = bench;
  wire.room = 0;
  wire.demand.set(0);
  connection.write(ascii('one'));
  connection.updateKeys();
  connection.write(ascii('four'));
  connection.close().subscribe();
  connection.write(ascii('late'));
  wire.grant(1_000);
  t.same(wire.calls.slice(2), ['data 3', 'handshake 24', 'data 4', 'close_notify']);
  t.same(bench.acks.at(-1)?.type, 'flushed');
  t.ok(bench.acks.some((ack) => ack.type === 'refused' && ack.why === 'closing' && ack.bytes === 4));
  t.same(bookkeeping(bench), []);
});

t.test('rule 3: past either bound a write is refused visibly, and what was accepted goes on', async (t) => {
  const bench = openClient({ limits: { maxQueuedBytes: 100, maxQueuedWrites: 4 } }, 'TLSv1.3', new Wire(64));
  const { connection, wire } = bench;
  wire.room = 0;
  wire.demand.set(0);
  const refused: unknown[] = [];
  const write = (length: number): unknown =>
    connection.write(pattern(length)).subscribe({ error: (error) => refused.push(error) });
  write(60);
  write(41);
  t.match(refused, [WriteRefusedError], 'bytes');
  write(40);
  write(0);
  write(0);
  t.equal(refused.length, 1);
  write(0);
  t.equal(refused.length, 2, 'writes');
  t.match(String(refused[0]), /maxQueuedBytes/);
  wire.grant(10_000);
  t.equal(wire.sent.length, 100);
  t.equal(bench.ledger.refused, 41);
  t.same(bookkeeping(bench), []);
});

// ── rule 4 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 4: one terminal ack on every way out', async (t) => {
  const ways: Record<string, (bench: Bench) => void> = {
    unsubscribe: (bench) => bench.subscription?.unsubscribe(),
    'fatal alert': (bench) => bench.wire.give(record.alert('fatal', 'internal_error')),
    'bare end': (bench) => bench.wire.source.complete(),
    'wire error': (bench) => bench.wire.source.fail(new Error('cut'), true),
    'sink error': (bench) => bench.wire.demand.fail(new Error('cut')),
    closeTimeout: (bench) => {
      bench.connection.close().subscribe({ error: () => undefined });
      bench.clock.to(60_000);
    },
    'flushed in the end': (bench) => bench.wire.grant(1_000_000),
  };
  for (const version of versions)
    for (const [name, way] of Object.entries(ways)) {
      const bench = openClient({}, version, new Wire(200));
      bench.wire.room = 5;
      bench.wire.demand.set(5);
      const ends: string[] = [];
      for (const length of [3, 0, 20_000, 7])
        bench.connection.write(pattern(length)).subscribe({
          error: (error: unknown) => ends.push((error as Error).name),
          complete: () => ends.push('flushed'),
        });
      way(bench);
      t.same(bookkeeping(bench), [], `${name} ${version}`);
      t.equal(bench.ledger.outstanding, 0, name);
      t.equal(ends.length, 4, `each write's own acks end: ${name}`);
      t.same(bench.acks.filter(({ type }) => type === 'flushed' || type === 'lost').length, 4);
    }
});

t.test('rule 4: a failed handshake loses what was accepted with 0 bytes sealed', async (t) => {
  const bench = new Bench().start(placeboEngine.client(), { writes: [ascii('abc'), ascii('de')] });
  bench.wire.give(record.alert('fatal', 'handshake_failure'));
  t.match(bench.acks, [
    { type: 'queued', intent: 1 },
    { type: 'queued', intent: 2 },
    { type: 'lost', intent: 1, bytes: 3, sealed: 0, flushed: 0 },
    { type: 'lost', intent: 2, bytes: 2, sealed: 0, flushed: 0 },
  ]);
  t.match(bench.ledger, { accepted: 5, sealed: 0, flushed: 0, lost: 5, outstanding: 0 });
  t.match(bench.error, { name: 'AlertReceivedError', alert: 'handshake_failure', safeToReplay: true });
});

t.test(
  'rule 4: what the transport has taken is flushed, even when the one who hears of the first ends it all',
  async (t) => {
    const bench = openClient();
    const { connection, wire } = bench;
    wire.holds = true;
    connection.write(ascii('0123456789'));
    connection.write(ascii('0123456789'));
    connection.acks.subscribe((ack) => ack.type === 'flushed' && bench.subscription?.unsubscribe());
    wire.taken.set(wire.written);
    t.same(bookkeeping(bench), []);
    t.match(bench.ledger, { accepted: 20, flushed: 20, lost: 0, outstanding: 0 });
    t.same(bench.ackLog.slice(-2), ['#1 flushed 10', '#2 flushed 10']);
  },
);

t.test('rule 4: acks of one write replay to whoever comes, whenever', async (t) => {
  const bench = openClient();
  const acks = bench.connection.write(ascii('abc'));
  for (let again = 0; again < 2; again++) {
    const types: string[] = [];
    acks.subscribe({ next: ({ type }) => types.push(type), complete: () => types.push('|') });
    t.same(types, ['queued', 'sealed', 'flushed', '|']);
  }
});

t.test('rule 4: a handler that moves its own write on still hears of every step', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(200));
  const { connection, wire } = bench;
  wire.room = 0;
  wire.demand.set(0);
  const types: string[] = [];
  connection.write(ascii('abc')).subscribe({
    next({ type }) {
      types.push(type);
      if (type === 'queued') wire.grant(1_000);
    },
    complete: () => types.push('|'),
  });
  t.same(types, ['queued', 'sealed', 'flushed', '|']);
});

// ── rule 5 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 5: readiness comes from engine and demand, never from the queue', async (t) => {
  const bench = new Bench(new Wire(0)).start(placeboEngine.client());
  const words = (): string => {
    const { engine, blockedOn, ready } = bench.readiness.at(-1)!;
    return `${ready ? 'ready ' : ''}${engine} ${blockedOn.join()}`.trim();
  };
  t.equal(words(), 'WANT_WRITE handshake,transport');
  bench.wire.grant(1_000);
  t.equal(words(), 'WANT_READ handshake');
  bench.handshake();
  t.equal(words(), 'ready READY');
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  t.equal(words(), 'WANT_WRITE transport');
  const before = bench.readiness.length;
  bench.connection.write(pattern(500_000));
  t.equal(bench.readiness.length, before, 'a full queue changes nothing');
  bench.wire.grant(1_000_000);
  t.equal(words(), 'ready READY');
});

t.test('rule 5: readiness is distinct, and no watcher is left with a stale value', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(200));
  const { connection, wire } = bench;
  const first: boolean[] = [];
  const second: Readiness[] = [];
  connection.readiness.subscribe(({ ready }) => {
    first.push(ready);
    if (ready && first.length > 1) connection.write(pattern(100)); // uses up all demand at once
  });
  connection.readiness.subscribe((state) => second.push(state));
  wire.room = 0;
  wire.demand.set(0);
  wire.room = 50;
  wire.demand.set(50);
  t.equal(first.at(-1), false);
  t.equal(second.at(-1)?.ready, false, 'the second watcher has the latest too');
  const told = second.map((state) => JSON.stringify(state));
  t.equal(told.filter((state, at) => state === told[at - 1]).length, 0, 'never the same twice');
});

t.test('rule 5: a renegotiation blocks a write, and says so', async (t) => {
  const bench = openClient({ limits: { renegotiation: { max: 1 } } }, 'TLSv1.2');
  bench.connection.updateKeys();
  bench.connection.write(ascii('held'));
  t.match(bench.readiness.at(-1), { ready: false, engine: 'WANT_READ', blockedOn: ['renegotiation'] });
  t.equal(bench.wire.sent.length, 0);
  bench.handshake();
  t.equal(text(bench.wire.sent), 'held');
  t.match(bench.readiness.at(-1), { ready: true, engine: 'READY' });
});

// ── rule 6 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 6: at demand 0 at most one record of application data is ahead; control records pass', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(200));
  const { connection, wire } = bench;
  wire.room = 0;
  wire.demand.set(1);
  for (let n = 0; n < 20; n++) connection.write(pattern(10_000));
  t.equal(wire.count('data 10000'), 1, 'one goes past the one byte of demand');
  bench.wire.give(record.keyUpdate(true), record.keyUpdate(true));
  t.ok(wire.count('handshake 24') >= 1, 'the answer to a key update passes');
  t.equal(wire.count('data 10000'), 1);
  wire.grant(1_000_000);
  t.equal(wire.count('data 10000'), 20);
});

t.test('rule 6: a slice is max(16 KiB, demand)', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(200));
  const { connection, wire } = bench;
  wire.room = 0;
  wire.demand.set(40_000);
  connection.write(pattern(100_000));
  t.equal(wire.sent.length, 40_000);
  wire.demand.set(0);
  wire.demand.set(10);
  t.equal(wire.sent.length, 40_000 + 16_384);
});

// ── rule 7 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 7: without a reader the window fills and no more; control records inside it are handled', async (t) => {
  const limits = { readHighWater: 100_000, readLowWater: 30_000 };
  const bench = openClient({ read: false, limits });
  for (let n = 0; n < 50; n++) bench.wire.give(record.applicationData(pattern(10_000)));
  t.ok(bench.wire.read <= limits.readHighWater + 10_005 + 200, `${bench.wire.read} bytes were taken`);
  const inside = openClient({ read: false, limits });
  inside.wire.give(record.applicationData(pattern(10_000)), record.keyUpdate(true));
  t.equal(inside.wire.count('handshake 24'), 1, 'answered while nobody reads');
  bench.read();
  bench.clock.flush();
  t.equal(joined(bench.plaintext).length, 500_000);
});

t.test('rule 7: a write that needs a control record behind the window is blocked on the reader', async (t) => {
  const limits = { readHighWater: 20_000, readLowWater: 5_000, renegotiation: { max: 1 } };
  const bench = openClient({ read: false, limits }, 'TLSv1.2');
  bench.connection.updateKeys();
  bench.connection.write(ascii('held'));
  for (let n = 0; n < 5; n++) bench.wire.give(record.applicationData(pattern(10_000)));
  bench.handshake();
  t.match(bench.readiness.at(-1), { ready: false, blockedOn: ['renegotiation', 'reader'] });
  bench.read();
  t.equal(text(bench.wire.sent), 'held');
});

t.test('rule 7: a chunk over the high-water mark, or a record over it, stops nothing', async (t) => {
  const big = openClient({ limits: { readHighWater: 40_000, readLowWater: 20_000 } });
  const chunk = joined(Array.from({ length: 10 }, () => record.applicationData(pattern(10_000))));
  big.wire.give(chunk, chunk, chunk);
  t.equal(joined(big.plaintext).length, 300_000);
  const small = openClient({ limits: { readHighWater: 4_000, readLowWater: 100 } });
  const one = record.applicationData(pattern(16_384));
  for (let at = 0; at < one.length; at += 500) small.wire.give(one.subarray(at, at + 500));
  t.equal(joined(small.plaintext).length, 16_384);
});

// ── rule 8 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 8: what is asked for from inside any handler queues behind; wire order is intent order', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(200));
  const { connection, wire } = bench;
  connection.acks.subscribe(({ type, intent }) => {
    if (type === 'sealed' && intent === 1) connection.write(ascii('C'));
    if (type === 'queued' && intent === 3) connection.write(ascii('D'));
  });
  wire.room = 0;
  wire.demand.set(0);
  connection.write(ascii('A'));
  connection.write(ascii('B'));
  wire.grant(10_000);
  t.equal(text(wire.sent), 'ABCD');
});

t.test('rule 8: the stack does not grow: ten thousand writes, each made by the ack of the last', async (t) => {
  const bench = openClient();
  let made = 0;
  bench.connection.acks.subscribe(({ type }) => {
    if (type === 'flushed' && ++made < 10_000) bench.connection.write(ascii('x'));
  });
  bench.connection.write(ascii('x'));
  bench.clock.flush();
  t.equal(made, 10_000);
  t.equal(bench.wire.sent.length, 10_000);
});

t.test('rule 8: a synchronous transport that answers on subscription, and one that errors there', async (t) => {
  const wire = new Wire();
  wire.onWrite = (bytes) => {
    if (bytes[5] === 1)
      wire.give(record.serverFlight(1, true), record.applicationData(ascii('hi')), record.closeNotify());
  };
  const bench = new Bench(wire).start(placeboEngine.client());
  t.equal(bench.received, 'hi');
  t.same(bench.log, ['next', 'plaintext complete', 'complete']);
  for (const which of ['demand', 'source'] as const) {
    const dead = new Wire();
    if (which === 'demand') dead.demand.fail(new Error('dead'));
    else dead.source.fail(new Error('dead'), true);
    let isStopped = 0;
    const writes = new Subject<Uint8Array>();
    const failed = new Bench(dead).start(placeboEngine.client(), { writes });
    t.match(failed.error, { name: 'AbortedError', retryable: true });
    t.equal(writes.observed, false, 'writes are let go');
    t.equal(dead.count('abort'), 1);
    t.equal(failed.clock.pending, isStopped);
  }
});

t.test('rule 8: demand that changes while the connection asks for more is not missed', async (t) => {
  const bench = openClient({ limits: { readHighWater: 40_000, readLowWater: 1_000 } }, 'TLSv1.3', new Wire(200));
  const { wire, connection } = bench;
  wire.room = 0;
  wire.demand.set(0);
  connection.write(ascii('waits'));
  const request = wire.duplex.source.request.bind(wire.duplex.source);
  let isAsked = false;
  Object.assign(wire.duplex.source, {
    request(bytes: number) {
      isAsked = true;
      wire.grant(1_000); // as a pair in memory does when its other end reads on
      request(bytes);
    },
  });
  wire.give(...Array.from({ length: 5 }, () => record.applicationData(pattern(16_000))));
  t.ok(isAsked);
  t.equal(text(wire.sent), 'waits');
});

// ── rule 9 ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 9: unsubscribe aborts once, synchronously; close_notify only when nothing is outstanding', async (t) => {
  for (const version of versions) {
    const idle = openClient({}, version);
    idle.subscription?.unsubscribe();
    t.same(idle.wire.calls.slice(2), ['close_notify', 'end', 'abort'], version);
    t.equal(idle.clock.pending, 0);

    const busy = openClient({}, version, new Wire(200));
    busy.wire.room = 0;
    busy.wire.demand.set(0);
    busy.connection.write(ascii('abc'));
    busy.subscription?.unsubscribe();
    t.same(busy.wire.calls.slice(2), ['abort'], 'the peer sees a cut');
    t.match(busy.ledger, { lost: 3, outstanding: 0 });
  }
});

t.test('rule 9: what others hold ends at once: plaintext and waiting calls with AbortedError', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(200));
  const { connection } = bench;
  const ends: string[] = [];
  const note = (name: string) => ({
    error: (error: unknown) => void ends.push(`${name} ${(error as Error).name}`),
    complete: () => void ends.push(`${name} |`),
  });
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  connection.write(ascii('x')).subscribe(note('write'));
  connection.writeFrom(NEVER).subscribe(note('writeFrom'));
  connection.close().subscribe(note('close'));
  connection.closeWrite().subscribe(note('closeWrite'));
  connection.acks.subscribe(note('acks'));
  connection.ledger.subscribe(note('ledger'));
  connection.readiness.subscribe(note('readiness'));
  bench.subscription?.unsubscribe();
  t.same(ends.sort(), [
    'acks |',
    'close AbortedError',
    'closeWrite AbortedError',
    'ledger |',
    'readiness |',
    'write WriteLostError',
    'writeFrom AbortedError',
  ]);
  t.match(bench.plaintextError, { name: 'AbortedError' });
  t.equal(bench.clock.pending, 0);
});

t.test('rule 9: close() flushes, says close_notify, waits for the answer and discards what is not read', async (t) => {
  const bench = openClient({ read: false });
  bench.wire.give(record.applicationData(ascii('nobody reads this')));
  bench.connection.write(ascii('last'));
  let isClosed = false;
  bench.connection.close().subscribe({ complete: () => (isClosed = true) });
  t.same(bench.wire.calls.slice(2), ['data 4', 'close_notify']);
  t.equal(isClosed, false);
  bench.wire.give(record.applicationData(pattern(1_000)), record.closeNotify());
  t.equal(isClosed, true);
  t.same(bench.wire.calls.slice(4), ['end']);
  t.equal(bench.clock.pending, 0);
});

t.test('rule 9: while the last words are written, whatever comes back finds the end', async (t) => {
  for (const how of ['unsubscribe', 'limit'] as const) {
    const bench = openClient();
    bench.wire.onWrite = () => {
      bench.wire.demand.fail(new Error('cut while writing'));
      bench.wire.source.fail(new Error('cut while writing'), true);
    };
    if (how === 'unsubscribe') bench.subscription?.unsubscribe();
    else bench.wire.give(Uint8Array.of(99, 1, 2, 3, 4));
    t.equal(bench.wire.count('abort'), 1, how);
    t.same(bookkeeping(bench), []);
    t.equal(bench.clock.pending, 0);
  }
});

// ── rule 10 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 10: TLS 1.3: our side closes by itself once plaintext completed and nothing is written', async (t) => {
  const bench = openClient();
  bench.wire.give(record.closeNotify());
  t.same(bench.wire.calls.slice(2), ['close_notify', 'end']);
  t.same(bench.log, ['next', 'plaintext complete', 'complete']);

  const writing = openClient();
  const source = new Subject<Uint8Array>();
  writing.connection.writeFrom(source).subscribe();
  writing.wire.give(record.closeNotify());
  t.same(writing.wire.calls.slice(2), [], 'a writeFrom runs');
  source.next(ascii('on'));
  source.complete();
  t.same(writing.wire.calls.slice(2), ['data 2', 'close_notify', 'end']);
  t.ok(writing.isComplete);

  const unread = openClient({ read: false });
  unread.wire.give(record.applicationData(ascii('x')), record.closeNotify());
  t.same(unread.wire.calls.slice(2), [], 'plaintext has not completed');
  unread.read();
  t.same(unread.wire.calls.slice(2), ['close_notify', 'end']);
});

t.test('rule 10: halfOpen leaves our side to us', async (t) => {
  const bench = openClient({ halfOpen: true });
  bench.wire.give(record.closeNotify());
  bench.connection.write(ascii('still'));
  t.same(bench.wire.calls.slice(2), ['data 5']);
  bench.connection.closeWrite().subscribe();
  t.same(bench.wire.calls.slice(3), ['close_notify', 'end']);
  t.ok(bench.isComplete);
});

t.test(
  'rule 10: TLS 1.2: writes after the close_notify of the peer are refused, what waits is lost, close_notify answers',
  async (t) => {
    const bench = openClient({}, 'TLSv1.2', new Wire(200));
    const { wire, connection } = bench;
    wire.room = 0;
    wire.demand.set(0);
    connection.write(ascii('waits'));
    let isClosed = false;
    connection.close().subscribe({ complete: () => (isClosed = true) });
    wire.give(record.closeNotify());
    wire.grant(1_000);
    t.same(wire.calls.slice(2), ['close_notify', 'end'], 'our queued close survives the loss');
    t.same(bench.ackLog, ['#1 queued 5', '#1 lost 5']);
    t.ok(isClosed);
    t.equal(bench.clock.pending, 0);

    const late = openClient({ halfOpen: true }, 'TLSv1.2', new Wire(60));
    late.wire.room = 0;
    late.wire.demand.set(0);
    late.wire.give(record.closeNotify());
    let error: unknown;
    late.connection.write(ascii('late')).subscribe({ error: (thrown) => (error = thrown) });
    t.type(error, WriteRefusedError);
    t.match(late.acks.at(-1), { type: 'refused', why: 'peer-closed' });
  },
);

// ── rule 12 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 12: methods of a dead connection error with ApiMisuseError; nothing reaches the wire', async (t) => {
  for (const end of ['failed', 'clean'] as const) {
    const bench = openClient();
    if (end === 'failed') bench.wire.give(record.alert('fatal', 'internal_error'));
    else bench.wire.give(record.closeNotify());
    const before = [...bench.wire.calls];
    const { connection } = bench;
    const errors: unknown[] = [];
    const note = { error: (error: unknown) => void errors.push(error) };
    connection.write(ascii('x')).subscribe(note);
    connection.writeFrom([ascii('x')]).subscribe(note);
    connection.unwrap().subscribe(note);
    connection.exchange([]).subscribe(note);
    if (end === 'failed') {
      connection.close().subscribe(note);
      connection.closeWrite().subscribe(note);
    } else {
      let done = 0;
      connection.close().subscribe({ complete: () => done++ });
      connection.closeWrite().subscribe({ complete: () => done++ });
      t.equal(done, 2, 'closing what is closed is done');
    }
    t.throws(() => connection.updateKeys(), ApiMisuseError);
    t.throws(() => connection.exportKeyingMaterial('x', undefined, 8), ApiMisuseError);
    connection.sink.write(ascii('x'));
    connection.sink.end();
    connection.sink.abort();
    bench.wire.give(record.applicationData(ascii('late')));
    t.ok(errors.filter((error) => error instanceof ApiMisuseError).length >= (end === 'failed' ? 5 : 3), end);
    t.same(bench.wire.calls, before);
    t.equal(bench.received, '');
  }
});

t.test(
  'rule 12: an engine that throws, fails in its constructor, or talks after its end, ends one connection and no more',
  async (t) => {
    const factory = placeboEngine.client();
    type Make = typeof factory;
    const wrap = (make: (...args: Parameters<Make>) => ReturnType<Make>) =>
      Object.assign(make, { role: factory.role, capabilities: factory.capabilities });
    for (const call of [
      'receiveCiphertext',
      'sendPlaintext',
      'sendCloseNotify',
      'receiveEnd',
      'pause',
      'destroy',
      'abort',
    ] as const) {
      const broken = wrap((sink, host) => {
        const engine = factory(sink, host);
        const bomb = () => {
          throw new Error(`boom in ${call}`);
        };
        return { ...engine, ...(call === 'receiveCiphertext' ? { receiveEnd: bomb } : {}), [call]: bomb };
      });
      const bench = new Bench().start(broken, {
        read: call !== 'pause',
        limits: { readHighWater: 20_000, readLowWater: 10 },
      });
      bench.handshake();
      if (call === 'sendPlaintext') bench.connection.write(ascii('x'));
      if (call === 'sendCloseNotify') bench.connection.close().subscribe({ error: () => undefined });
      if (call === 'pause') for (let n = 0; n < 4; n++) bench.wire.give(record.applicationData(pattern(16_000)));
      if (call === 'receiveEnd') bench.wire.source.complete();
      if (call === 'destroy' || call === 'abort') bench.wire.give(Uint8Array.of(99, 99, 99, 99, 99));
      if (call === 'pause' && bench.error === undefined) bench.read();
      t.ok(bench.error instanceof TlsError, `${call}: ${String(bench.error)}`);
      t.equal(bench.wire.count('abort'), 1, call);
      t.same(bookkeeping(bench), [], call);
      t.equal(bench.clock.pending, 0, call);
    }
    const throwing = new Bench().start(
      wrap(() => {
        throw new Error('no engine');
      }),
    );
    t.match(throwing.error, { name: 'EngineFailureError', cause: { message: 'no engine' } });
    t.equal(throwing.wire.count('abort'), 1);
    for (const failAt of ['start', 'handshake', 'negotiated', 'receive', 'send'] as const) {
      const bench = new Bench().start(placeboEngine.client({ failAt }));
      if (bench.error === undefined) bench.handshake();
      if (failAt === 'receive') bench.wire.give(record.applicationData(ascii('x')));
      if (failAt === 'send') bench.connection.write(ascii('x'));
      t.match(bench.error, { name: 'EngineFailureError' }, failAt);
      t.equal(bench.wire.count('abort'), 1);
      t.equal(bench.clock.pending, 0);
    }
    const ghosts: (() => void)[] = [];
    const talkative = wrap((sink, host) => {
      ghosts.push(
        () => sink.ciphertext(ascii('ghost')),
        () => sink.plaintext(ascii('ghost')),
        () => sink.closeNotify(),
        () => sink.failed(new ApiMisuseError('ghost')),
        () => sink.negotiated({} as never),
      );
      return factory(sink, host);
    });
    const bench = new Bench().start(talkative).handshake();
    bench.subscription?.unsubscribe();
    const before = [bench.wire.calls.length, bench.log.length];
    for (const ghost of ghosts) ghost();
    await settled();
    t.same([bench.wire.calls.length, bench.log.length], before);
  },
);

// ── rule 13 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 13: zero-length writes are acked in order and seal nothing', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(200));
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  for (const chunk of ['', 'a', '', '', 'b', '']) bench.connection.write(ascii(chunk));
  bench.wire.grant(1_000);
  const of = (type: string) => bench.acks.filter((ack) => ack.type === type).map(({ intent }) => intent);
  t.same(of('sealed'), [1, 2, 3, 4, 5, 6]);
  t.same(of('flushed'), [1, 2, 3, 4, 5, 6]);
  t.equal(recordsOf(joined(bench.wire.out)).filter(({ type }) => type === 23).length, 2);
});

t.test(
  'rule 13: negotiated precedes the first plaintext; the last plaintext and completion come in one turn',
  async (t) => {
    const bench = new Bench().start(placeboEngine.client());
    bench.wire.give(joined([record.serverFlight(1, true), record.applicationData(ascii('bye')), record.closeNotify()]));
    t.equal(bench.received, 'bye');
    t.same(bench.log, ['next', 'plaintext complete', 'complete']);
  },
);

// ── rule 15 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 15: the array is the caller’s again as soon as write returns', async (t) => {
  const bench = openClient({}, 'TLSv1.3', new Wire(100));
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  const array = ascii('right');
  bench.connection.write(array);
  array.fill(0);
  bench.wire.grant(1_000);
  t.equal(text(bench.wire.sent), 'right');

  const pushed = openClient(
    { limits: { maxQueuedBytes: 20, writeHighWater: 20, writeLowWater: 5 } },
    'TLSv1.3',
    new Wire(100),
  );
  pushed.wire.room = 0;
  pushed.wire.demand.set(0);
  const source = new Subject<Uint8Array>();
  pushed.connection.writeFrom(source).subscribe();
  const reused = pattern(50);
  source.next(reused);
  reused.fill(0);
  pushed.wire.grant(10_000);
  t.same(pushed.wire.sent, pattern(50), 'what an observable emitted and could not be queued yet, too');
});

// ── rule 16 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test(
  'rule 16: errors before next when the handshake fails; after it, after plaintext, with the same error',
  async (t) => {
    const early = new Bench().start(placeboEngine.client());
    early.wire.give(record.alert('fatal', 'handshake_failure'));
    t.same(early.log, ['error: AlertReceivedError']);
    const late = openClient();
    late.wire.give(record.alert('fatal', 'internal_error'));
    t.same(late.log, ['next', 'plaintext error: AlertReceivedError', 'error: AlertReceivedError']);
    t.equal(late.error, late.plaintextError);
  },
);

t.test(
  'rule 16: a reader that does not read holds the owner’s error back for closeTimeout and no longer',
  async (t) => {
    const bench = openClient({ read: false });
    const chunks: Uint8Array[] = [];
    let readerError: unknown;
    bench.connection.source.bytes.subscribe({ next: (c) => chunks.push(c), error: (e) => (readerError = e) });
    bench.wire.give(record.applicationData(ascii('unread')));
    bench.wire.source.complete();
    t.equal(bench.error, undefined);
    bench.clock.to(4_999);
    t.equal(bench.error, undefined);
    bench.clock.to(5_000);
    t.match(bench.error, { name: 'TruncationError' });
    t.equal(readerError, bench.error);
    t.equal(bench.clock.pending, 0);
  },
);

t.test('rule 16: retry and repeat reconnect', async (t) => {
  const wires: Wire[] = [];
  let connections = 0;
  const subscription = defer(() => {
    const wire = new Wire();
    wires.push(wire);
    return concat(of(wire.duplex), NEVER);
  })
    .pipe(secure(placeboEngine.client(), { scheduler: new Clock() }), retry(2))
    .subscribe({ next: () => connections++, error: () => undefined });
  wires[0]!.give(record.alert('fatal', 'internal_error'));
  t.equal(wires.length, 2);
  wires[1]!.give(record.serverFlight(1, true));
  t.equal(connections, 1);
  subscription.unsubscribe();
  t.equal(wires[0]!.count('abort'), 1);
  t.equal(wires[1]!.count('abort'), 1);
});

// ── rule 17 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('rule 17: safeToReplay only while nothing written was handed over; whenSafe retries only then', async (t) => {
  const untouched = openClient();
  untouched.wire.source.complete();
  t.match(untouched.error, { retryable: true, safeToReplay: true });
  const touched = openClient();
  touched.connection.write(ascii('x'));
  touched.wire.source.complete();
  t.match(touched.error, { retryable: true, safeToReplay: false });

  for (const [writes, attempts] of [
    [[], 4],
    [[ascii('x')], 1],
  ] as const) {
    let tries = 0;
    let error: unknown;
    defer(() => {
      tries++;
      const wire = new Wire();
      wire.onWrite = (bytes) => {
        if (bytes[0] === 22 && bytes[5] === 1) wire.give(record.serverFlight(1, true));
      };
      queueMicrotask(() => wire.source.complete());
      return concat(of(wire.duplex), NEVER);
    })
      .pipe(
        secure(placeboEngine.client(), { writes: concat(of(...writes), NEVER), scheduler: new Clock() }),
        retry(whenSafe({ count: 3 })),
      )
      .subscribe({ error: (thrown) => (error = thrown) });
    for (let turn = 0; turn < 1_000 && error === undefined; turn++)
      await new Promise((resolve) => setTimeout(resolve, 5));
    t.match(error, { name: 'TruncationError' });
    t.equal(tries, attempts);
  }
});

// ── both ends, asynchronous engines too ────────────────────────────────────────────────────────────────────────────────

t.test(
  'rules 1–17 in passing: a whole conversation over a pair, both versions, synchronous and asynchronous',
  async (t) => {
    for (const version of versions)
      for (const asynchronous of [false, true])
        for (const fragment of [undefined, 1, 7, [1, 100, 3]]) {
          const defer = (run: () => void): void => queueMicrotask(run);
          const common = { version, ...(asynchronous && { asynchronous, defer }) };
          const { client, server } = securedPair({
            engines: [placeboEngine.client(common), placeboEngine.server({ ...common, roundTrips: 3 })],
            link: { ...(fragment !== undefined && { aToB: { fragment }, bToA: { fragment } }) },
            client: { writes: [pattern(3_000), ascii('!')] },
            server: { next: (connection) => void connection.write(ascii('welcome')) },
          });
          for (let turns = 0; turns < 400 && !client.isComplete; turns++) await settled();
          const name = `${version} ${asynchronous ? 'async' : 'sync'} ${String(fragment)}`;
          t.same(joined(server.plaintext), joined([pattern(3_000), ascii('!')]), name);
          t.equal(client.received, 'welcome', name);
          t.same([...bookkeeping(client), ...bookkeeping(server)], [], name);
          t.ok(client.isComplete && server.isComplete, `${name} ends: ${client.log.join()} / ${server.log.join()}`);
          t.equal(client.clock.pending, 0, `${name}: no timer is left`);
        }
  },
);
