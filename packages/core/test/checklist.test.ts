// What has hurt other TLS stacks, row by row, as far as core answers for it, over the placebo engine.
import { byHello, secure, secureEach, type TlsConnection } from '@rxtls/core';
import { AbortedError, ApiMisuseError, defaultLimits, TlsError } from '@rxtls/core/engine';
import { inspect } from 'node:util';
import { concat, EMPTY, NEVER, type Observable, of, Subject, throwError } from 'rxjs';
import t from 'tap';
import { memoryPair } from '../../transport-memory/src/index.ts';
import {
  ascii,
  Bench,
  bookkeeping,
  Clock,
  joined,
  openClient,
  pattern,
  placeboEngine,
  record,
  sameBytes,
  securedPair,
  settled,
  text,
  unhandled,
  Wire,
} from './bench.ts';

const versions = ['TLSv1.3', 'TLSv1.2'] as const;

// ── W: writing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('W1 (placebo): 10 000 × 64 KiB against a silent peer: bounded, refused visibly, nothing dropped', async (t) => {
  const chunk = pattern(65_536);
  for (const phase of ['before the handshake', 'after it'] as const) {
    const early = new Subject<Uint8Array>();
    const bench = phase === 'after it' ? openClient({}, 'TLSv1.3', new Wire(1_000)) : new Bench();
    let refused = 0;
    if (phase === 'after it') {
      bench.wire.room = 0;
      bench.wire.demand.set(0);
      for (let n = 0; n < 10_000; n++) bench.connection.write(chunk).subscribe({ error: () => refused++ });
    } else {
      bench.start(placeboEngine.client(), { writes: early });
      for (let n = 0; n < 10_000; n++) early.next(chunk);
    }
    const limit = phase === 'after it' ? defaultLimits.maxQueuedBytes : defaultLimits.maxQueuedBytesBeforeHandshake;
    t.ok(bench.ledger.accepted <= limit + chunk.length, `${phase}: ${bench.ledger.accepted} bytes were accepted`);
    if (phase === 'after it') {
      t.equal(refused, 10_000 - limit / chunk.length);
      t.equal(bench.ledger.accepted + bench.ledger.refused, 10_000 * chunk.length, 'every byte is accounted for');
      bench.wire.grant(10_000_000);
      bench.clock.flush();
      t.equal(bench.wire.sent.length, bench.ledger.accepted, 'what was accepted is sent');
    } else {
      // an observable cannot wait: the chunk that finds no room ends it, and the connection with it
      t.match(bench.error, { name: 'WriteRefusedError' });
      t.equal(early.observed, false);
    }
    t.same(bookkeeping(bench), []);
  }
});

t.test('W1 (placebo): 10 000 × 64 KiB pulled from an iterable wait at their source', async (t) => {
  let pulled = 0;
  function* chunks() {
    for (let n = 0; n < 10_000; n++) {
      pulled++;
      yield pattern(65_536);
    }
  }
  const bench = new Bench().start(placeboEngine.client(), { writes: chunks() });
  t.ok(pulled <= 2, `${pulled} chunks were pulled`);
  t.ok(bench.ledger.outstanding <= defaultLimits.maxQueuedBytesBeforeHandshake);
  bench.subscription?.unsubscribe();
});

t.test('W2 (placebo): at transport demand 0 sealed and unsent bytes are one record and control records', async (t) => {
  for (const version of versions) {
    const bench = openClient({ limits: { renegotiation: { max: 9 } } }, version, new Wire(200));
    bench.wire.room = 0;
    bench.wire.demand.set(0);
    for (let n = 0; n < 16; n++) bench.connection.write(pattern(60_000));
    const before = bench.wire.written;
    for (let n = 0; n < 5; n++) {
      bench.wire.demand.set(1);
      bench.wire.demand.set(0);
    }
    // each time there was demand, one record went past it; without demand nothing does
    t.ok(bench.wire.written - before <= 5 * (16_384 + 5));
    const ahead = bench.wire.written;
    await settled();
    bench.clock.to(3_000);
    t.equal(bench.wire.written, ahead);
    t.equal(bench.ledger.sealed, bench.wire.sent.length);
  }
});

t.test('W3 (placebo): for any interleaving of writes and handshake the peer reads the writes in order', async (t) => {
  for (let split = 0; split <= 6; split++) {
    const source = new Subject<Uint8Array>();
    const bench = new Bench().start(placeboEngine.client(), { writes: source });
    const steps = [record.serverFlight(1, false), record.serverFlight(2, false), record.serverFlight(3, true)];
    for (let n = 0; n < 6; n++) {
      if (n === split) bench.wire.give(...steps.splice(0));
      else if (n < split && steps.length > 1) bench.wire.give(steps.shift()!);
      source.next(ascii(String(n)));
    }
    bench.wire.give(...steps);
    t.equal(text(bench.wire.sent), '012345', `split ${split}`);
  }
});

t.test('W4 (placebo): what was passed to write may change afterwards, and the bytes sealed do not', async (t) => {
  for (const version of versions)
    for (const when of ['before the handshake', 'at once', 'with demand 0'] as const) {
      const source = new Subject<Uint8Array>();
      const bench = new Bench(new Wire(when === 'with demand 0' ? 59 + 9 : undefined)).start(
        placeboEngine.client({ version }),
        { writes: source },
      );
      if (when !== 'before the handshake') bench.handshake();
      const array = Buffer.from('the right bytes');
      source.next(array);
      array.fill('X');
      if (when === 'before the handshake') bench.handshake();
      bench.wire.grant(1_000);
      t.equal(text(bench.wire.sent), 'the right bytes', `${when} ${version}`);
    }
});

t.test('W5 (placebo): a next handler that writes and closes leaves wire order = intent order', async (t) => {
  const bench = openClient({ read: false });
  const { connection } = bench;
  connection.plaintext.subscribe((bytes) => {
    connection.write(bytes);
    connection.write(ascii('+'));
    if (text(bytes) === 'c') connection.close().subscribe();
  });
  connection.write(ascii('0'));
  bench.wire.give(joined(['a', 'b', 'c'].map((letter) => record.applicationData(ascii(letter)))));
  t.equal(text(bench.wire.sent), '0a+b+c+');
  t.equal(bench.wire.calls.at(-1), 'close_notify');
});

t.test('W6 (placebo): nothing is flushed that the transport has not taken', async (t) => {
  const bench = openClient();
  bench.wire.holds = true;
  bench.connection.write(pattern(100));
  t.same(bench.ackLog, ['#1 queued 100', '#1 sealed 100']);
  bench.wire.taken.set(bench.wire.written - 1);
  t.equal(bench.ledger.flushed, 0, 'a byte is missing');
  bench.wire.taken.set(bench.wire.written);
  t.equal(bench.ackLog.at(-1), '#1 flushed 100');
});

t.test('W7 (placebo): every intent gets one end, in every phase, on every way out', async (t) => {
  const outs: ((bench: Bench) => void)[] = [
    (bench) => bench.subscription?.unsubscribe(),
    (bench) => bench.wire.source.complete(),
    (bench) => bench.wire.demand.fail(new Error('sink')),
    (bench) => bench.wire.give(Uint8Array.of(0, 0, 0, 0, 0)),
    (bench) => bench.wire.give(record.closeNotify()),
    (bench) => bench.clock.to(100_000),
  ];
  for (const version of versions)
    for (const [index, out] of outs.entries())
      for (const phase of ['handshake', 'open', 'full', 'closing'] as const) {
        const bench = new Bench(new Wire(phase === 'full' ? 65 : undefined)).start(placeboEngine.client({ version }), {
          writes: concat(of(ascii('first')), NEVER),
          limits: { maxQueuedWrites: 3 },
        });
        if (phase !== 'handshake') bench.handshake();
        if (phase === 'full' || phase === 'open')
          for (const length of [1, 0, 30_000, 2, 3])
            bench.connection.write(pattern(length)).subscribe({ error: () => 0 });
        if (phase === 'closing') bench.connection.close().subscribe({ error: () => 0 });
        out(bench);
        bench.subscription?.unsubscribe();
        t.same(bookkeeping(bench), [], `${version} ${phase} way ${index}`);
        t.equal(bench.ledger.outstanding, 0);
        t.equal(bench.clock.pending, 0, `${phase} way ${index}: no timer`);
      }
});

t.test('W8 (placebo): a sink that fails during a flight fails the connection at once', async (t) => {
  const wire = new Wire();
  wire.onWrite = () => wire.demand.fail(new Error('EPIPE'));
  const bench = new Bench(wire).start(placeboEngine.client());
  t.match(bench.error, { name: 'AbortedError', phase: 'handshake', retryable: true, cause: { message: 'EPIPE' } });
  t.equal(bench.clock.now(), 0);
  t.equal(bench.clock.pending, 0);
  t.equal(wire.count('abort'), 1);
});

// ── R: receiving ───────────────────────────────────────────────────────────────────────────────────────────────────────

t.test(
  'R1 (placebo): at reader demand 0 the transport gives at most the read high-water mark and a chunk',
  async (t) => {
    for (const chunk of [100, 1_000, 16_384]) {
      const bench = openClient({ read: false });
      bench.connection.source.bytes.subscribe();
      const one = record.applicationData(pattern(chunk));
      const count = Math.ceil(2_000_000 / one.length);
      for (let n = 0; n < count; n++) bench.wire.give(one);
      bench.clock.to(4_000);
      t.ok(bench.wire.read <= defaultLimits.readHighWater + one.length + 100, `${chunk}: ${bench.wire.read}`);
      bench.connection.source.request(Number.POSITIVE_INFINITY);
      bench.clock.to(4_500);
      t.equal(bench.wire.source.held, 0, 'and everything comes when it is asked for');
    }
  },
);

t.test('R2 (placebo): a ClientHello that claims 16 MiB is refused before anything is allocated for it', async (t) => {
  const bench = new Bench().start(placeboEngine.server());
  const before = process.memoryUsage().arrayBuffers;
  bench.wire.give(Uint8Array.of(22, 3, 1, 64, 0, 1, 255, 255, 255));
  t.match(bench.error, { name: 'LimitExceededError', limit: 'maxClientHelloBytes', phase: 'client-hello' });
  t.ok(process.memoryUsage().arrayBuffers - before < 65_536);
  t.same(bench.wire.calls, ['alert 2:50', 'end', 'abort']);
});

t.test('R4 (placebo): HTTP or garbage on the TLS port is NotTlsError with at most 32 bytes, and no echo', async (t) => {
  const request = ascii('GET /?secret=0123456789abcdefghijklmnop HTTP/1.1\r\nHost: a\r\n\r\n');
  for (const bytes of [request, Uint8Array.of(0), Uint8Array.of(22, 2, 0, 0, 0), Uint8Array.of(128, 46, 1, 3, 1)]) {
    const bench = new Bench().start(placeboEngine.server());
    bench.wire.give(bytes);
    t.match(bench.error, { name: 'NotTlsError' });
    t.ok((bench.error as { firstBytes: string }).firstBytes.length <= 64);
    t.notMatch(inspect(bench.error), /secret=/);
    t.same(bench.wire.calls, ['abort'], 'nothing is said to who does not speak TLS');
  }
});

t.test('R8 (placebo): the 33rd empty record in a row is fatal', async (t) => {
  const bench = openClient();
  const empty = record.record('applicationData', []);
  for (let n = 0; n < 32; n++) bench.wire.give(empty);
  t.equal(bench.error, undefined);
  bench.wire.give(record.applicationData(ascii('x')));
  for (let n = 0; n < 32; n++) bench.wire.give(empty);
  t.equal(bench.error, undefined);
  bench.wire.give(empty);
  t.match(bench.error, { name: 'LimitExceededError', limit: 'maxEmptyRecords' });
  t.ok(
    bench.events.some((event) => event.type === 'limit' && event.limit === 'maxEmptyRecords'),
    'it was announced',
  );
});

t.test('R9 (placebo): the 5th warning alert is fatal; in TLS 1.3 an unknown one is at once', async (t) => {
  const old = openClient({}, 'TLSv1.2');
  for (let n = 0; n < 4; n++) old.wire.give(record.alert('warning', 'unrecognized_name'));
  t.equal(old.error, undefined);
  old.wire.give(record.alert('warning', 'unrecognized_name'));
  t.match(old.error, { name: 'LimitExceededError', limit: 'maxWarningAlerts' });
  const young = openClient();
  young.wire.give(record.record('alert', [1, 222]));
  t.match(young.error, { name: 'AlertReceivedError' });
});

t.test('R14 (placebo): a renegotiation that is not allowed gets one no_renegotiation, then the end', async (t) => {
  const bench = openClient({}, 'TLSv1.2');
  bench.wire.give(record.helloRequest());
  t.equal(bench.wire.count('alert 1:100'), 1);
  t.equal(bench.error, undefined);
  bench.wire.give(record.helloRequest());
  t.match(bench.error, { name: 'LimitExceededError', limit: 'renegotiation' });
  t.equal(bench.wire.count('alert 1:100'), 1);
  const { client, server } = securedPair({
    engines: [placeboEngine.client({ version: 'TLSv1.2' }), placeboEngine.server({ version: 'TLSv1.2' })],
    client: { limits: { renegotiation: { max: 3 } } },
  });
  for (let n = 0; n < 2; n++) client.connection.updateKeys();
  t.match(server.error, { name: 'LimitExceededError', limit: 'renegotiation' });
  t.equal(client.connections, 1, 'who the peer is never changes');
});

t.test(
  'R14 (placebo): our own renegotiations are refused without limits.renegotiation, and past its max',
  async (t) => {
    const none = openClient({}, 'TLSv1.2');
    none.connection.updateKeys();
    t.match(none.acks, [{ type: 'refused', why: 'not-supported', bytes: 0 }]);
    const one = openClient({ limits: { renegotiation: { max: 1 } } }, 'TLSv1.2');
    one.connection.updateKeys();
    one.connection.updateKeys();
    one.handshake();
    t.same(
      one.acks.map(({ type }) => type).sort(),
      ['flushed', 'queued', 'refused', 'sealed'],
      'one is allowed, the next is refused',
    );
    t.same(bookkeeping(one), []);
  },
);

t.test('R14 (placebo): a renegotiation that the peer never finishes has the handshake’s deadline', async (t) => {
  const bench = openClient({ limits: { renegotiation: { max: 1 } } }, 'TLSv1.2');
  bench.connection.updateKeys();
  bench.clock.to(9_999);
  t.equal(bench.error, undefined);
  bench.clock.to(10_000);
  t.match(bench.error, { name: 'HandshakeTimeoutError', limit: 'handshakeTimeout' });
  const done = openClient({ limits: { renegotiation: { max: 1 } } }, 'TLSv1.2');
  done.connection.updateKeys();
  done.handshake();
  t.equal(done.clock.pending, 0, 'finished: the clock stops');
});

t.test('R15 (placebo): close_notify right after the ClientHello terminates', async (t) => {
  const hello = record.clientHello({ version: 'TLSv1.3' });
  for (const chunks of [[joined([hello, record.closeNotify()])], [hello, record.closeNotify()]]) {
    const bench = new Bench().start(placeboEngine.server());
    bench.wire.give(...chunks);
    t.match(bench.error, { name: 'AlertReceivedError', alert: 'close_notify', phase: 'handshake' });
    t.equal(bench.wire.count('abort'), 1);
    t.equal(bench.clock.pending, 0);
  }
});

t.test('R15 (placebo): a turn stops after maxStepsPerTurn and goes on later', async (t) => {
  const bench = openClient({ limits: { maxStepsPerTurn: 10 } });
  bench.wire.give(joined(Array.from({ length: 100 }, () => record.applicationData(ascii('x')))));
  t.ok(bench.received.length < 20, `${bench.received.length} in the first turn`);
  t.equal(bench.clock.pending, 1, 'one continuation, on the scheduler');
  bench.clock.flush();
  t.equal(bench.received.length, 100);
  t.equal(bench.clock.pending, 0);
});

t.test('R17 (placebo): one byte a second ends at the limit, in every phase, in virtual time', async (t) => {
  const slow = (bench: Bench, bytes: Uint8Array): void => {
    bytes.forEach((byte, second) => bench.clock.schedule(() => bench.wire.give(Uint8Array.of(byte)), second * 1_000));
  };
  const server = new Bench().start(placeboEngine.server());
  slow(server, record.clientHello({ version: 'TLSv1.3' }));
  server.clock.to(4_999);
  t.equal(server.error, undefined);
  server.clock.to(5_000);
  t.match(server.error, { name: 'HandshakeTimeoutError', limit: 'clientHelloTimeout', phase: 'client-hello' });
  t.equal(server.wire.count('abort'), 1);

  const finishing = new Bench().start(placeboEngine.server());
  finishing.wire.give(record.clientHello({ version: 'TLSv1.3' }));
  slow(finishing, new Uint8Array(0));
  finishing.clock.to(9_999);
  t.equal(finishing.error, undefined);
  finishing.clock.to(10_000);
  t.match(finishing.error, { name: 'HandshakeTimeoutError', limit: 'handshakeTimeout', phase: 'handshake' });

  const client = new Bench().start(placeboEngine.client());
  slow(client, joined([record.serverFlight(1, false), new Uint8Array(20)]));
  client.clock.to(10_000);
  t.match(client.error, { name: 'HandshakeTimeoutError', limit: 'handshakeTimeout', phase: 'handshake' });
});

t.test('R18 (placebo): a handshake over maxHandshakeBytes is fatal though each message is legal', async (t) => {
  const bench = new Bench().start(placeboEngine.client(), { limits: { maxHandshakeBytes: 40 } });
  for (let round = 1; round < 20 && bench.error === undefined; round++)
    bench.wire.give(record.serverFlight(round, false));
  t.match(bench.error, { name: 'LimitExceededError', limit: 'maxHandshakeBytes', phase: 'handshake' });
});

// ── C: closing ─────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('C1 (placebo): an end without close_notify never completes plaintext, wherever it cuts', async (t) => {
  const data = joined([record.applicationData(ascii('hello')), record.closeNotify()]);
  for (const version of versions)
    for (let cut = 0; cut < data.length; cut++)
      for (const how of ['end', 'error'] as const) {
        const bench = openClient({}, version);
        bench.wire.give(data.subarray(0, cut));
        if (how === 'end') bench.wire.source.complete();
        else bench.wire.source.fail(new Error('reset'), false);
        t.notMatch(bench.log, ['plaintext complete'], `${version} ${how} at ${cut}`);
        t.ok(bench.plaintextError instanceof TlsError, `${version} ${how} at ${cut}: ${bench.log.join()}`);
        t.equal(bench.error, bench.plaintextError);
        t.equal(bench.clock.pending, 0);
      }
});

t.test(
  'W8 (placebo): a sink that fails while its source goes on: nothing is given to the engine after the end',
  async (t) => {
    const bench = new Bench();
    bench.wire.onWrite = () => {
      bench.wire.demand.fail(new Error('broken pipe'));
      bench.wire.give(record.serverFlight(1, true));
    };
    bench.start(placeboEngine.client());
    t.match(bench.error, { name: 'AbortedError', phase: 'handshake', message: /broken pipe/ });
    t.equal(bench.connections, 0);
    t.equal(bench.wire.count('abort'), 1);
  },
);

t.test('C1 (placebo): what an asynchronous engine has yet to hear when the wire breaks is heard first', async (t) => {
  for (const last of ['close_notify', 'alert', 'nothing'] as const) {
    const bench = new Bench();
    bench.start(placeboEngine.client({ asynchronous: true, defer: queueMicrotask }));
    await settled();
    bench.wire.give(record.serverFlight(1, true));
    await settled();
    t.equal(bench.connections, 1);
    const ends = {
      close_notify: record.closeNotify(),
      alert: Uint8Array.of(21, 3, 3, 0, 2, 2, 80),
      nothing: ascii(''),
    };
    bench.wire.give(joined([record.applicationData(ascii('last')), ends[last]]));
    bench.wire.source.fail(new Error('reset'), false);
    bench.wire.demand.fail(new Error('reset'));
    await settled();
    t.equal(bench.received, 'last');
    const ended = { close_notify: 'plaintext complete', alert: 'AlertReceivedError', nothing: 'AbortedError' }[last];
    t.match(bench.log.join(), ended);
    t.equal(bench.isComplete, last === 'close_notify');
    t.equal(bench.clock.pending, 0);
  }
});

t.test('C2 (placebo): what comes after close_notify is ignored, never emitted, and counted', async (t) => {
  const after = joined([record.applicationData(ascii('evil')), ascii('garbage')]);
  const bench = openClient({ halfOpen: true });
  bench.wire.give(joined([record.applicationData(ascii('ok')), record.closeNotify(), after]));
  bench.wire.give(record.applicationData(ascii('more')));
  t.equal(bench.received, 'ok');
  t.equal(bench.error, undefined);
  t.same(
    bench.events.filter(({ type }) => type === 'ignored'),
    [{ type: 'ignored', bytes: after.length }],
  );
});

t.test('C3 (placebo): close_notify during the handshake is an error with its phase; nothing is emitted', async (t) => {
  for (const version of versions) {
    const bench = new Bench().start(placeboEngine.client({ version }));
    bench.wire.give(record.closeNotify());
    t.match(bench.error, { name: 'AlertReceivedError', alert: 'close_notify', phase: 'handshake' });
    t.same(bench.log, ['error: AlertReceivedError']);
    t.equal(bench.wire.count('abort'), 1);
  }
});

t.test('C4 (placebo): a peer that never answers our close_notify: the end comes at closeTimeout', async (t) => {
  for (const version of versions) {
    const bench = openClient({}, version);
    const ends: string[] = [];
    bench.connection
      .close()
      .subscribe({ error: (error: Error) => ends.push(error.name), complete: () => ends.push('|') });
    bench.clock.to(4_999);
    t.same(ends, []);
    t.equal(bench.wire.count('abort'), 0);
    bench.clock.to(5_000);
    t.same(ends, ['LimitExceededError']);
    t.match(bench.error, { limit: 'closeTimeout', phase: 'closing' });
    t.equal(bench.wire.count('abort'), 1);
    t.equal(bench.clock.pending, 0);
  }
});

t.test(
  'C4 (placebo): closing that makes progress has its time again; a peer that ends the transport will do',
  async (t) => {
    const bench = openClient({}, 'TLSv1.3', new Wire(100));
    bench.wire.room = 0;
    bench.wire.demand.set(0);
    bench.connection.write(pattern(40_000));
    let isClosed = false;
    bench.connection.close().subscribe({ complete: () => (isClosed = true) });
    for (let second = 1; second <= 5; second++) {
      bench.clock.to(second * 4_000);
      bench.wire.grant(10_000);
    }
    t.equal(bench.error, undefined, 'twenty seconds, and always something moved');
    t.equal(bench.wire.count('close_notify'), 1);
    bench.wire.source.complete();
    t.ok(isClosed, 'everything of ours was taken: a bare end is enough');
    t.match(bench.plaintextError, { name: 'TruncationError' }, 'but not for whoever still reads');
  },
);

t.test(
  'C4 (placebo): closeWrite too has its time where there is no half-close; TLS 1.3 may go on reading',
  async (t) => {
    for (const version of versions) {
      const bench = openClient({}, version);
      bench.connection.closeWrite().subscribe({ error: () => undefined });
      bench.clock.to(60_000);
      if (version === 'TLSv1.3') t.equal(bench.error, undefined);
      else t.match(bench.error, { name: 'LimitExceededError', limit: 'closeTimeout' });
    }
  },
);

t.test('C5 (placebo): after the peer’s close_notify 1.3 writes on, 1.2 refuses visibly', async (t) => {
  for (const version of versions) {
    const bench = openClient({ halfOpen: true }, version, new Wire(60));
    bench.wire.room = version === 'TLSv1.2' ? 0 : 1_000;
    bench.wire.demand.set(bench.wire.room);
    bench.wire.give(record.closeNotify());
    bench.connection.write(ascii('late'));
    t.match(
      bench.acks,
      version === 'TLSv1.2' ? [{ type: 'refused', why: 'peer-closed' }] : [{}, {}, { type: 'flushed' }],
    );
    t.equal(text(bench.wire.sent), version === 'TLSv1.2' ? '' : 'late');
  }
});

t.test('C6 (placebo): write, close, never read: the peer gets every byte, tickets or not', async (t) => {
  const { client, server } = securedPair({
    engines: [placeboEngine.client(), placeboEngine.server({ tickets: 16 })],
    client: { read: false, next: (connection) => void connection.write(pattern(200_000)) },
  });
  client.connection.close().subscribe();
  client.clock.flush();
  t.ok(sameBytes(joined(server.plaintext), pattern(200_000)));
  t.ok(client.isComplete && server.isComplete);
});

t.test('C7 (placebo): the transport is aborted exactly once on every failure of a handshake', async (t) => {
  const failures: Record<string, (bench: Bench) => void> = {
    end: (bench) => bench.wire.source.complete(),
    error: (bench) => bench.wire.source.fail(new Error('reset'), true),
    sink: (bench) => bench.wire.demand.fail(new Error('reset')),
    garbage: (bench) => bench.wire.give(pattern(100, 3)),
    alert: (bench) => bench.wire.give(record.alert('fatal', 'handshake_failure')),
    message: (bench) => bench.wire.give(record.finished()),
    timeout: (bench) => bench.clock.to(60_000),
    unsubscribe: (bench) => bench.subscription?.unsubscribe(),
  };
  for (const role of ['client', 'server'] as const)
    for (const [name, fail] of Object.entries(failures)) {
      const bench = new Bench().start(placeboEngine[role]());
      fail(bench);
      t.equal(bench.wire.count('abort'), 1, `${role} ${name}`);
      t.equal(bench.connections, 0);
      t.ok(name === 'unsubscribe' ? bench.error === undefined : bench.error instanceof TlsError);
      bench.subscription?.unsubscribe();
      bench.clock.flush();
      t.equal(bench.wire.count('abort'), 1);
    }
});

t.test(
  'C8 (placebo): unsubscribed at every frame: closed once, nothing later, no timer, engine destroyed',
  async (t) => {
    const script = (version: 'TLSv1.3' | 'TLSv1.2') => {
      const bench = new Bench(new Wire(90));
      let destroyed = 0;
      const factory = placeboEngine.client({ version });
      const counted = Object.assign(
        (...args: Parameters<typeof factory>) => {
          const engine = factory(...args);
          return {
            ...engine,
            destroy() {
              destroyed++;
              engine.destroy();
            },
          };
        },
        { role: factory.role, capabilities: factory.capabilities },
      );
      bench.start(counted, {
        writes: concat(of(ascii('one'), pattern(30_000)), NEVER),
        limits: { renegotiation: { max: 1 } },
      });
      const frames: (() => void)[] = [
        () => bench.wire.give(record.serverFlight(1, true).subarray(0, 4)),
        () => bench.wire.give(record.serverFlight(1, true).subarray(4)),
        () => bench.wire.give(record.applicationData(ascii('hello'))),
        () => bench.connection.write(ascii('two')),
        () => bench.wire.grant(1_000),
        () => bench.connection.updateKeys(),
        () => bench.wire.grant(100_000),
        () => version === 'TLSv1.2' && bench.handshake(),
        () => bench.connection.close().subscribe({ error: () => undefined }),
        () => bench.wire.give(record.applicationData(ascii('rest'))),
        () => bench.wire.give(record.closeNotify()),
      ];
      return { bench, frames, destroyed: () => destroyed };
    };
    for (const version of versions)
      for (let at = 0; at <= 11; at++) {
        const { bench, frames, destroyed } = script(version);
        frames.slice(0, at).forEach((frame) => frame());
        bench.subscription?.unsubscribe();
        const seen = [bench.log.length, bench.acks.length, bench.wire.calls.length, bench.plaintext.length];
        t.ok(bench.wire.count('abort') + bench.wire.count('end') >= 1, `frame ${at}`);
        t.ok(bench.wire.count('abort') <= 1);
        t.ok(destroyed() >= 1);
        t.same(bookkeeping(bench), [], `${version} frame ${at}`);
        t.equal(bench.clock.pending, 0);
        frames.slice(at).forEach((frame) => {
          try {
            frame();
          } catch {}
        });
        await settled();
        t.same(
          [bench.log.length, bench.acks.length, bench.wire.calls.length, bench.plaintext.length],
          seen,
          `frame ${at}`,
        );
      }
  },
);

// ── P: before TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('P6 (placebo): no byte fed before the handshake is done is ever emitted as plaintext', async (t) => {
  const server = new Bench().start(placeboEngine.server());
  server.wire.give(
    record.clientHello({ version: 'TLSv1.3' }),
    record.applicationData(ascii('early')),
    record.finished(),
  );
  t.match(server.error, { name: 'PeerMisbehavedError', alert: 'unexpected_message' });
  t.equal(server.received, '');
  t.equal(server.connections, 0);
  const before = new Bench().start(placeboEngine.server());
  before.wire.give(joined([record.applicationData(ascii('early')), record.clientHello({ version: 'TLSv1.3' })]));
  t.match(before.error, { name: 'PeerMisbehavedError' });
  t.equal(before.received, '');
});

t.test('P7 (placebo): what was read too far is put back, and the handshake completes', async (t) => {
  const hello = record.clientHello({ version: 'TLSv1.3' });
  for (const split of [1, 5, 20, hello.length]) {
    const bench = new Bench();
    bench.wire.duplex.unread(hello.subarray(0, split));
    bench.start(placeboEngine.server());
    bench.wire.give(hello.subarray(split), record.finished());
    t.equal(bench.connections, 1, `${split} bytes were put back`);
  }
});

// ── A: authentication and users' functions ─────────────────────────────────────────────────────────────────────────────

t.test('A2 (placebo): SNI selection fails closed, with the alert on the wire', async (t) => {
  const server = placeboEngine.server();
  const ways: Record<string, [() => unknown, string]> = {
    throw: [
      () => {
        throw new Error('x');
      },
      'alert 2:80',
    ],
    'async throw': [() => Promise.reject(new Error('x')), 'alert 2:80'],
    error: [() => throwError(() => new Error('x')), 'alert 2:80'],
    empty: [() => EMPTY, 'alert 2:80'],
    'two values': [() => of(server, server), 'alert 2:80'],
    never: [() => NEVER, 'alert 2:40'],
    'not an engine': [() => 'yes', 'alert 2:80'],
    'a client engine': [() => placeboEngine.client(), 'alert 2:80'],
    'null (unknown name)': [() => null, 'alert 2:112'],
    'undefined (unknown name)': [() => undefined, 'alert 2:112'],
  };
  for (const [name, [select, alert]] of Object.entries(ways)) {
    const bench = new Bench().start(byHello(select as never));
    bench.wire.give(record.clientHello({ version: 'TLSv1.3', serverName: 'a.example' }));
    await settled();
    if (name === 'never') {
      t.match(bench.readiness.at(-1), { engine: 'WANT_CLIENT_HELLO_CB', blockedOn: ['handshake', 'task'] });
      bench.clock.to(4_999);
      t.equal(bench.error, undefined);
      bench.clock.to(5_000);
    }
    t.ok(bench.error instanceof TlsError, name);
    t.same(bench.wire.calls, [alert, 'end', 'abort'], name);
    t.equal(bench.connections, 0);
    t.equal(bench.clock.pending, 0, name);
  }
});

t.test('A3 (placebo): a function of the user’s that fails hurts its own connection and no other', async (t) => {
  const bad: (() => unknown)[] = [
    () => {
      throw new Error('sync');
    },
    () => Promise.reject(new Error('async')),
    () => throwError(() => new Error('observable')),
    () => EMPTY,
    () => of(true, true),
    () => false,
    () => NEVER,
  ];
  const errors = await unhandled(async () => {
    for (const verify of bad) {
      const good = openClient();
      const bench = new Bench().start(placeboEngine.client({ verify: verify as never })).handshake();
      await settled();
      bench.clock.to(5_000);
      t.ok(bench.error instanceof TlsError, String(verify));
      t.equal(bench.wire.count('abort'), 1);
      t.equal(bench.connections, 0);
      t.equal(bench.clock.pending, 0);
      t.ok(
        bench.wire.calls.some((call) => call.startsWith('alert 2:')),
        'the peer is told',
      );
      good.wire.give(record.applicationData(ascii('alive')));
      t.equal(good.received, 'alive');
    }
    for (const what of ['acks', 'ledger', 'readiness', 'events'] as const) {
      const observer = {
        next: () => {
          throw new Error(what);
        },
      };
      const bench = new Bench().start(placeboEngine.client(), { observe: { [what]: observer } });
      if (bench.error === undefined) bench.handshake();
      if (bench.error === undefined) bench.connection.write(ascii('x'));
      t.match(bench.error, { name: 'EngineFailureError', cause: { message: what } }, what);
      t.equal(bench.wire.count('abort'), 1);
    }
  });
  t.same(errors, [], 'nothing is left to the process');
});

t.test('A6 (placebo): plaintext that comes while verify runs is held, and dropped when it refuses', async (t) => {
  for (const answer of [true, false]) {
    const verify = new Subject<boolean>();
    const bench = new Bench().start(placeboEngine.client({ verify: () => verify }));
    bench.wire.give(joined([record.serverFlight(1, true), record.applicationData(ascii('early'))]));
    t.same(bench.log, []);
    t.match(bench.readiness.at(-1), { engine: 'WANT_ASYNC', blockedOn: ['handshake', 'task'] });
    verify.next(answer);
    verify.complete();
    t.equal(bench.received, answer ? 'early' : '');
    t.equal(bench.connections, answer ? 1 : 0);
    if (answer) continue;
    t.match(bench.error, { name: 'CertificateError', reason: 'refused-by-verify' });
    t.same(bench.wire.calls.slice(-2), ['end', 'abort'], 'no reset follows at the heels of the alert that says why');
  }
});

// ── D: re-entrancy, observers, options ─────────────────────────────────────────────────────────────────────────────────

t.test('D1 (placebo): destroyed from inside every emission: later calls are no-ops', async (t) => {
  type Place =
    | 'next'
    | 'plaintext'
    | 'plaintext complete'
    | 'acks'
    | 'ledger'
    | 'readiness'
    | 'events'
    | 'write'
    | 'task'
    | 'sink'
    | 'writes';
  const places: readonly Place[] = [
    'next',
    'plaintext',
    'plaintext complete',
    'acks',
    'ledger',
    'readiness',
    'events',
    'write',
    'task',
    'sink',
    'writes',
  ];
  for (const version of versions)
    for (const place of places)
      for (let nth = 0; nth < 6; nth++)
        for (const how of ['unsubscribe', 'abort'] as const) {
          const bench = new Bench();
          let left = nth;
          let isStruck = false;
          const strike = (where: Place) => (): void => {
            if (where !== place || isStruck || left-- > 0) return;
            isStruck = true;
            if (how === 'unsubscribe') bench.subscription?.unsubscribe();
            else if (bench.connections > 0) bench.connection.sink.abort();
          };
          if (place === 'sink') bench.wire.onWrite = strike('sink');
          bench.start(placeboEngine.client({ version, verify: () => (strike('task')(), true) }), {
            read: false,
            writes: {
              *[Symbol.iterator]() {
                for (let n = 0; n < 4; n++) {
                  strike('writes')();
                  yield ascii('w');
                }
              },
            },
            observe: {
              acks: { next: (ack) => (bench.acks.push(ack), strike('acks')()) },
              ledger: { next: (ledger) => (bench.ledgers.push(ledger), strike('ledger')()) },
              readiness: { next: strike('readiness') },
              events: { next: strike('events') },
            },
            next(connection) {
              strike('next')();
              connection.plaintext.subscribe({
                next: strike('plaintext'),
                complete: strike('plaintext complete'),
                error: () => 0,
              });
              connection.write(ascii('x')).subscribe({ next: strike('write'), error: () => 0 });
            },
          });
          bench.handshake();
          bench.wire.give(record.applicationData(ascii('a')), record.applicationData(ascii('b')), record.closeNotify());
          await settled();
          bench.subscription?.unsubscribe();
          bench.clock.flush();
          const name = `${version} ${how} in ${place} ${nth}`;
          t.ok(bench.wire.count('abort') <= 1 && bench.wire.count('end') <= 1, `${name}: ${bench.wire.calls.join()}`);
          t.same(bookkeeping(bench), [], name);
          t.equal(bench.clock.pending, 0, name);
        }
});

t.test('D2 (placebo): a reader that throws ends its own connection and no other', async (t) => {
  const other = openClient();
  const bench = openClient({ read: false });
  const errors = await unhandled(() => {
    bench.connection.plaintext.subscribe(() => {
      throw new Error('reader');
    });
    bench.wire.give(record.applicationData(ascii('x')));
  });
  t.match(errors, [{ message: 'reader' }], 'RxJS reports it');
  t.match(bench.error, { name: 'EngineFailureError', cause: { message: 'reader' } });
  t.equal(bench.wire.count('abort'), 1);
  other.wire.give(record.applicationData(ascii('fine')));
  t.equal(other.received, 'fine');
});

t.test(
  'R1 (placebo): one-byte records that nobody reads are bounded by what they cost, not by their bytes',
  async (t) => {
    const bench = openClient({ read: false });
    const one = record.applicationData(ascii('x'));
    for (let count = 0; count < 100_000; count++) bench.wire.give(one);
    bench.clock.flush();
    t.ok(bench.wire.read < 263_000, `${bench.wire.read} of ${100_000 * one.length} bytes were taken`);
    let chunks = 0;
    bench.connection.plaintext.subscribe(() => chunks++);
    bench.clock.flush();
    t.equal(chunks, 100_000, 'and nothing of it is lost');
  },
);

t.test('D2 (placebo): an observer of acks, ledger, readiness or events that throws ends its connection', async (t) => {
  for (const stream of ['acks', 'ledger', 'readiness', 'events'] as const) {
    const bench = openClient();
    let calls = 0;
    const errors = await unhandled(() => {
      (bench.connection[stream] as Observable<unknown>).subscribe(() => {
        if (stream === 'acks' || stream === 'events' || calls++ > 0) throw new Error(stream);
      });
      bench.wire.holds = true;
      bench.wire.demand.set(0);
      bench.connection.write(ascii('x'));
      bench.wire.give(record.applicationData(ascii('y')));
    });
    t.match(errors[0], { message: stream });
    t.match(bench.error, { name: 'EngineFailureError', cause: { message: stream } });
    t.equal(bench.wire.count('abort'), 1);
    t.same(bookkeeping(bench), []);
  }
});

t.test(
  'D3 (placebo): a second subscriber at the same time errors clearly; one after another nothing is lost',
  async (t) => {
    const bench = openClient({ read: false });
    const { connection } = bench;
    const chunks: string[] = [];
    const first = connection.plaintext.subscribe((bytes) => chunks.push(`1${text(bytes)}`));
    let error: unknown;
    connection.source.bytes.subscribe({ error: (thrown) => (error = thrown) });
    t.match(error, { name: 'ApiMisuseError', message: /subscriber already.*share/ });
    bench.wire.give(record.applicationData(ascii('a')));
    first.unsubscribe();
    bench.wire.give(record.applicationData(ascii('b')));
    connection.plaintext.subscribe((bytes) => chunks.push(`2${text(bytes)}`));
    bench.wire.give(record.applicationData(ascii('c')));
    t.same(chunks, ['1a', '2b', '2c']);
  },
);

t.test('D4 (placebo): options are read once, own properties only; null, 0 and "" switch nothing off', async (t) => {
  for (const value of [null, 0, '', 'no', {}]) {
    t.throws(() => secure(placeboEngine.client(), { truncation: value as never }), ApiMisuseError);
    t.throws(() => secure(placeboEngine.client(), { halfOpen: value as never }), ApiMisuseError);
  }
  t.throws(() => secure(placeboEngine.client(), { limits: null as never }), ApiMisuseError);
  t.throws(() => secure(placeboEngine.client(), { limit: {} } as never), /no option 'limit'/);
  t.throws(() => secure(null as never), ApiMisuseError);
  t.throws(() => secureEach(placeboEngine.server(), null as never), ApiMisuseError);
  t.throws(() => secureEach(placeboEngine.server(), () => [], null as never), ApiMisuseError);
  const inherited = Object.create({ maxConcurrentHandshakes: 0, upgrade: 0, drain: 0, failed: 0 }) as object;
  t.doesNotThrow(() => secureEach(placeboEngine.server(), () => [], inherited), 'a server reads its own options only');

  const options = { truncation: 'error' as 'error' | 'complete' };
  const operator = secure(placeboEngine.client(), { ...options, scheduler: new Clock() });
  options.truncation = 'complete';
  const polluted = Object.prototype as unknown as Record<string, unknown>;
  Object.assign(polluted, { truncation: 'complete', halfOpen: true, handshakeTimeout: 1e9, dangerouslyHost: {} });
  try {
    const bench = openClient(Object.create({ truncation: 'complete' }) as object);
    bench.wire.give(record.applicationData(ascii('x')));
    bench.wire.source.complete();
    t.match(bench.error, { name: 'TruncationError' }, 'neither inherited nor polluted options count');
    const wire = new Wire();
    let error: unknown;
    concat(of(wire.duplex), NEVER)
      .pipe(operator)
      .subscribe({ error: (thrown) => (error = thrown) });
    wire.give(record.serverFlight(1, true));
    wire.source.complete();
    t.match(error, { name: 'TruncationError' }, 'options were read when the operator was made');
  } finally {
    for (const name of ['truncation', 'halfOpen', 'handshakeTimeout', 'dangerouslyHost']) delete polluted[name];
  }
});

// ── K, L ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('K4 (placebo): no error, event or connection shows plaintext or queued bytes', async (t) => {
  const secret = 'hunter2-hunter2-hunter2';
  const shown = [
    secret,
    Array.from(ascii(secret)).join(),
    Buffer.from(secret).toString('hex'),
    Buffer.from(secret).toString('base64'),
  ];
  const bench = openClient({}, 'TLSv1.3', new Wire(70));
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  const errors: unknown[] = [];
  bench.connection.write(ascii(secret)).subscribe({ error: (error) => errors.push(error) });
  bench.wire.give(record.applicationData(ascii(secret)), pattern(200, 90));
  bench.connection.write(ascii(secret)).subscribe({ error: (error) => errors.push(error) });
  errors.push(bench.error, bench.plaintextError, bench.connection, bench.events, bench.acks, new AbortedError('x'));
  t.ok(errors.length >= 7);
  for (const error of errors)
    for (const out of [
      inspect(error, { depth: 10, showHidden: true }),
      JSON.stringify(error, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)) ?? '',
      String(error),
    ])
      for (const form of shown)
        t.notOk(out.replaceAll(/\s/g, '').includes(form), `${String(error).slice(0, 40)} shows ${form}`);
});

t.test(
  'L1 (placebo): handshakes at once are bounded, then wait in order, then are refused without an engine',
  async (t) => {
    const made: string[] = [];
    const server = placeboEngine.server();
    const listener = new Subject<Wire['duplex']>();
    const clock = new Clock();
    const failures: string[] = [];
    const connections: TlsConnection[] = [];
    const engine = byHello((hello) => (made.push(hello.serverName ?? ''), server));
    const subscription = listener
      .pipe(
        secureEach(engine, (connection) => (connections.push(connection), NEVER), {
          maxConcurrentHandshakes: 2,
          limits: { maxWaitingHandshakes: 2 },
          scheduler: clock,
          failed: ({ error }) => failures.push(`${(error as Error).name} ${(error as { limit?: string }).limit ?? ''}`),
        }),
      )
      .subscribe();
    const wires = Array.from('abcdefg', (name) => {
      const wire = new Wire();
      listener.next(wire.duplex);
      return { name, wire, hello: () => wire.give(record.clientHello({ version: 'TLSv1.3', serverName: name })) };
    });
    t.same(made, [], 'silent sockets hold no slot');
    for (const { hello } of wires.slice(0, 5)) hello();
    t.same(made, ['a', 'b']);
    t.same(failures, ['LimitExceededError maxWaitingHandshakes'], 'the fifth');
    wires[2]!.wire.source.complete(); // c gives up waiting
    wires[5]!.hello();
    t.same(made, ['a', 'b'], 'f waits in its place');
    wires[0]!.wire.give(record.finished());
    t.same(made, ['a', 'b', 'd']);
    t.equal(connections.length, 1);
    wires[1]!.wire.give(record.alert('fatal', 'handshake_failure'));
    t.same(made, ['a', 'b', 'd', 'f']);
    clock.to(10_000);
    subscription.unsubscribe();
    t.equal(clock.pending, 0);
  },
);

t.test('L1 (placebo): a thousand that wait and all fail at once do not grow the stack', async (t) => {
  let made = 0;
  const listener = new Subject<Wire['duplex']>();
  let failures = 0;
  const engine = byHello(() => {
    if (made++ === 0) return placeboEngine.server();
    throw new Error('no');
  });
  listener
    .pipe(
      secureEach(engine, () => NEVER, { maxConcurrentHandshakes: 1, scheduler: new Clock(), failed: () => failures++ }),
    )
    .subscribe();
  const wires = Array.from({ length: 1_025 }, () => new Wire());
  for (const wire of wires) {
    listener.next(wire.duplex);
    wire.give(record.clientHello({ version: 'TLSv1.3' }));
  }
  t.equal(made, 1);
  wires[0]!.source.complete();
  t.equal(made, 1_025);
  t.equal(failures, 1_025);
});

t.test('L3 (placebo): one greedy connection among 100 starves nobody', async (t) => {
  const clock = new Clock();
  const greedy = new Bench(new Wire(), clock).start(placeboEngine.client()).handshake();
  const modest = Array.from({ length: 99 }, () =>
    new Bench(new Wire(), clock).start(placeboEngine.client()).handshake(),
  );
  let whenModestWereServed = 0;
  clock.schedule(
    () => greedy.wire.give(joined(Array.from({ length: 200 }, () => record.applicationData(pattern(16_000))))),
    1,
  );
  for (const bench of modest)
    clock.schedule(() => {
      bench.wire.give(record.applicationData(ascii('x')));
      whenModestWereServed = Math.max(whenModestWereServed, joined(greedy.plaintext).length);
    }, 1);
  clock.flush();
  t.ok(modest.every((bench) => bench.received === 'x'));
  t.ok(whenModestWereServed <= 300_000, `the greedy one had ${whenModestWereServed} of 3 200 000 bytes by then`);
  t.equal(joined(greedy.plaintext).length, 3_200_000);
});

t.test(
  'L3 (placebo): a server of 100 connections goes on while one is reset, one observer throws, one select throws',
  async (t) => {
    const listener = new Subject<Wire['duplex']>();
    const clock = new Clock();
    let failures = 0;
    const server = placeboEngine.server();
    const engine = byHello((hello) => {
      if (hello.serverName === 'bad') throw new Error('select');
      return server;
    });
    const echo = (connection: TlsConnection): Observable<unknown> => connection.writeFrom(connection.source);
    listener.pipe(secureEach(engine, echo, { scheduler: clock, failed: () => failures++ })).subscribe();
    const clients = Array.from({ length: 100 }, (_, index) => {
      const [a, b] = memoryPair();
      const wire = new Wire();
      Object.assign(wire, { duplex: a });
      listener.next(b);
      const serverName = index === 7 ? 'bad' : 'good';
      return new Bench(wire, clock).start(placeboEngine.client({ serverName }));
    });
    const errors = await unhandled(() => {
      clients[3]!.wire.duplex.sink.abort();
      clients[4]!.connection.acks.subscribe(() => {
        throw new Error('observer');
      });
      for (const [index, client] of clients.entries())
        if (index !== 3 && index !== 7) client.connection.write(ascii(`hello ${index}`));
    });
    t.ok(errors.every((error) => (error as Error).message === 'observer'));
    const served = clients.filter((client, index) => client.received === `hello ${index}`).length;
    t.equal(served, 97, 'all but the three');
    t.equal(failures, 3, 'each of which is told');
  },
);

t.test(
  'D2 (placebo): whoever gets the connection and throws has it torn down, in the call that subscribes too',
  async (t) => {
    for (const isAtOnce of [false, true]) {
      const wire = new Wire();
      const flight = record.serverFlight(1, true);
      if (isAtOnce) wire.onWrite = (bytes) => bytes[5] === 1 && wire.give(flight);
      const errors = await unhandled(() => {
        concat(of(wire.duplex), NEVER)
          .pipe(secure(placeboEngine.client(), { scheduler: new Clock() }))
          .subscribe(() => {
            throw new Error('owner');
          });
        if (!isAtOnce) wire.give(flight);
      });
      t.match(errors, [{ message: 'owner' }]);
      t.equal(wire.count('abort'), 1);
    }
  },
);

t.test('D2 (placebo): a transport whose methods throw has failed, and everybody is told', async (t) => {
  for (const method of ['write', 'end', 'abort'] as const) {
    const bench = openClient();
    Object.assign(bench.wire.duplex.sink, {
      [method]() {
        throw new Error(`${method} throws`);
      },
    });
    bench.connection.write(ascii('x'));
    if (method === 'end') bench.wire.give(record.closeNotify());
    if (method === 'abort') bench.wire.source.complete();
    t.ok(method === 'end' ? bench.isComplete : bench.error instanceof TlsError, method);
    t.same(bookkeeping(bench), []);
    t.equal(bench.clock.pending, 0);
  }
});
