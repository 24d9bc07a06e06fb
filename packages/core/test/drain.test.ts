// The graceful end of a server, in virtual time.
import {
  byHello,
  type ConnectionFailure,
  drain,
  type DrainedConnection,
  secureEach,
  type TlsConnection,
} from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import { BehaviorSubject, NEVER, Observable, type ObservableInput, of, Subject, throwError } from 'rxjs';
import t from 'tap';
import { ascii, Clock, placeboEngine, record, settled, Wire } from './bench.ts';

interface Server {
  readonly clock: Clock;
  readonly stop: Subject<void>;
  readonly listener: Subject<Wire['duplex']>;
  readonly connections: TlsConnection[];
  readonly failures: ConnectionFailure[];
  /** What the drain said, and what the server's observable did. */
  readonly log: string[];
  readonly reports: DrainedConnection[];
  accept(): Wire;
  open(): Wire;
}

function serve(
  options: Partial<Parameters<typeof drain>[1]> = {},
  project: (connection: TlsConnection) => ObservableInput<unknown> = ({ plaintext }) => plaintext,
  notifier?: ObservableInput<unknown>,
): Server {
  const stop = new Subject<void>();
  const reports: DrainedConnection[] = [];
  const log: string[] = [];
  const clock = new Clock();
  const listener = new Subject<Wire['duplex']>();
  const connections: TlsConnection[] = [];
  const failures: ConnectionFailure[] = [];
  const drained = {
    next: (report: DrainedConnection) => {
      reports.push(report);
      log.push(report.outcome);
    },
    complete: () => log.push('drained'),
  };
  listener
    .pipe(
      secureEach(
        placeboEngine.server(),
        (connection) => {
          connections.push(connection);
          return project(connection);
        },
        {
          scheduler: clock,
          failed: (failure) => failures.push(failure),
          drain: drain(notifier ?? stop, { deadline: 10_000, drained, ...options }),
        },
      ),
    )
    .subscribe({ error: ({ message }: Error) => log.push(message), complete: () => log.push('complete') });
  const accept = (): Wire => {
    const wire = new Wire();
    listener.next(wire.duplex);
    return wire;
  };
  const open = (): Wire => {
    const wire = accept();
    wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
    return wire;
  };
  return { clock, stop, listener, connections, failures, log, reports, accept, open };
}

t.test('drain: nobody new, a half-close of who is quiet, the ledgers, and the end', async (t) => {
  const server = serve();
  const wire = server.open();
  server.connections[0]!.write(ascii('answer'));
  t.ok(server.listener.observed);
  server.stop.next();
  t.notOk(server.listener.observed, 'nobody new is accepted');
  t.equal(wire.count('close_notify'), 0, 'not quiet for long enough');
  server.clock.to(1_000);
  t.equal(wire.count('close_notify'), 1);
  t.equal(wire.count('end'), 0, 'a half-close: the peer may still say what it has to say');
  t.same(server.log, []);
  wire.give(record.applicationData(ascii('last words')), record.closeNotify());
  t.same(server.log, ['closed', 'drained', 'complete']);
  t.match(server.reports[0], { info: { remote: 'wire' }, ledger: { accepted: 6, flushed: 6, lost: 0 } });
  t.same(server.failures, []);
  t.equal(wire.calls.at(-1), 'end', 'ended, not cut');
  t.equal(server.clock.pending, 0);
});

t.test('drain: a connection on which something moves is left alone until it is quiet', async (t) => {
  const server = serve({ quiet: 500 });
  const wire = server.open();
  server.stop.next();
  for (let at = 400; at <= 4_000; at += 400) {
    server.clock.to(at);
    wire.give(record.applicationData(ascii('more')));
  }
  t.equal(wire.count('close_notify'), 0, 'the peer speaks');
  for (let at = 4_400; at <= 8_000; at += 400) {
    server.clock.to(at);
    server.connections[0]!.write(ascii('more'));
  }
  t.equal(wire.count('close_notify'), 0, 'we speak');
  server.clock.to(9_100);
  t.equal(wire.count('close_notify'), 1);
  wire.give(record.closeNotify());
  t.same(server.log, ['closed', 'drained', 'complete']);
});

t.test('drain: what was written and cannot go yet is waited for, and lost at the deadline, visibly', async (t) => {
  const server = serve({ deadline: 3_000 });
  const slow = new Wire(0);
  server.listener.next(slow.duplex);
  slow.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
  const { length } = server.connections;
  t.equal(length, 1);
  server.connections[0]!.write(new Uint8Array(40_000)).subscribe({ error: () => undefined });
  server.stop.next();
  server.clock.to(2_999);
  t.equal(slow.count('close_notify'), 0);
  t.same(server.log, []);
  server.clock.to(3_000);
  t.same(server.log.sort(), ['complete', 'cut', 'drained']);
  const [report] = server.reports;
  t.match(report, { outcome: 'cut', ledger: { accepted: 40_000, outstanding: 0 } });
  t.equal(report!.ledger.lost, 40_000 - report!.ledger.flushed);
  t.equal(slow.count('abort'), 1);
  t.match(server.failures, [
    { error: { name: 'AbortedError', retryable: true, message: /deadline of its drain, 3000 ms/ } },
  ]);
  t.equal(server.clock.pending, 0);
});

t.test(
  'drain: handshakes go on, and silent sockets and transports that never end are cut at the deadline',
  async (t) => {
    const server = serve({ deadline: 4_000, quiet: 0 }, (connection) => {
      connection.write(ascii('greeting'));
      return NEVER;
    });
    const silent = server.accept();
    const inHandshake = server.accept();
    inHandshake.give(record.clientHello({ version: 'TLSv1.3' }));
    const open = server.open();
    server.stop.next();
    t.equal(open.count('close_notify'), 1, 'quiet is 0: at once');
    inHandshake.give(record.finished());
    t.same([inHandshake.count('data 8'), inHandshake.count('close_notify')], [1, 1], 'served, and closed behind it');
    server.clock.to(4_000);
    t.same(server.log.sort(), ['complete', 'cut', 'cut', 'cut', 'drained']);
    for (const wire of [silent, inHandshake, open]) t.equal(wire.count('abort'), 1);
    t.equal(server.clock.pending, 0);
  },
);

t.test('drain: work that does not end by itself ends at the deadline; what fails before says so', async (t) => {
  const server = serve({ deadline: 2_000 }, () => NEVER);
  server.open();
  const broken = server.open();
  server.stop.next();
  broken.give(record.alert('fatal', 'internal_error'));
  t.same(server.log, ['failed']);
  server.clock.to(2_000);
  t.same(server.log, ['failed', 'cut', 'drained', 'complete']);
});

t.test('drain: nothing to wait for, a notifier that came first, one that only completes, one that fails', async (t) => {
  const empty = serve();
  empty.stop.next();
  t.same(empty.log, ['drained', 'complete']);
  t.equal(empty.clock.pending, 0);

  const early = serve({}, undefined, new BehaviorSubject('stop'));
  await settled();
  t.same(early.log, ['drained', 'complete']);
  t.notOk(early.listener.observed);

  const promised = serve({}, undefined, Promise.resolve());
  await settled();
  t.same(promised.log, ['drained', 'complete']);

  const never = serve({}, undefined, of());
  t.ok(never.listener.observed, 'as takeUntil: a completion is no notice');

  const failing = serve(
    {},
    undefined,
    throwError(() => new Error('no notifier')),
  );
  t.same(failing.log, ['no notifier']);
  t.notOk(failing.listener.observed);
});

t.test('drain: without its notifier everything is as before; unsubscribing during it leaves nothing', async (t) => {
  const server = serve();
  const wire = server.open();
  wire.give(record.closeNotify());
  t.same(server.reports, [], 'who ended before is not told of');
  const clock = new Clock();
  const stop = new Subject<void>();
  const told: unknown[] = [];
  const open = new Wire();
  const subscription = of(open.duplex)
    .pipe(
      secureEach(placeboEngine.server(), () => NEVER, {
        scheduler: clock,
        drain: drain(stop, { deadline: 1_000, drained: { next: (report) => told.push(report.outcome) } }),
      }),
    )
    .subscribe();
  open.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
  stop.next();
  subscription.unsubscribe();
  t.equal(open.count('abort'), 1);
  t.equal(clock.pending, 0);
  t.notOk(stop.observed);
});

t.test('drain: whoever is cut at the deadline is reported before the server completes', async (t) => {
  const server = serve({ deadline: 4_000, quiet: 500 }, (connection) => connection.writeFrom(connection.source));
  server.open();
  server.clock.to(1);
  server.stop.next();
  server.clock.to(4_001);
  t.same(server.log, ['cut', 'drained', 'complete']);
});

t.test('drain: no timer is left when a half-close is the end of the last connection', async (t) => {
  const server = serve({ quiet: 500 }, (connection) => connection.writeFrom(NEVER));
  const wire = server.open();
  wire.give(record.closeNotify());
  server.stop.next();
  server.clock.to(500);
  t.same(server.log, ['closed', 'drained', 'complete']);
  t.equal(server.clock.pending, 0);
});

t.test('drain: slow readers: who failed before the deadline was not cut at it, and each failure is told', async (t) => {
  const server = serve({ deadline: 2_000 }, (connection) => connection.source.bytes);
  const [failed, open] = [server.open(), server.open()];
  for (const wire of [failed, open]) wire.give(record.applicationData(ascii('unread')));
  server.stop.next();
  failed.give(record.alert('fatal', 'internal_error'));
  t.same(server.log, [], 'its reader has bytes to read before the error');
  server.clock.to(2_000);
  t.same(server.log, ['failed', 'cut', 'drained', 'complete']);
  t.match(server.failures, [
    { error: { name: 'AlertReceivedError' } },
    { error: { name: 'AbortedError', message: /deadline of its drain/ } },
  ]);
  t.equal(server.clock.pending, 0);
});

// Found by test/properties/server-within.test.ts, seed 673988371.
t.test('drain: who fails because another is cut at the deadline is told as failed, its reader slow', async (t) => {
  const server = serve({ deadline: 2_000, quiet: 5_000 }, (connection) => connection.source.bytes);
  const [cut, other] = [server.open(), server.open()];
  for (const wire of [cut, other]) wire.give(record.applicationData(ascii('unread')));
  server.stop.next();
  cut.onWrite = () => other.source.fail(new Error('gone with it'), true); // its last alert
  server.clock.to(2_000);
  t.same(server.log, ['cut', 'failed', 'drained', 'complete']);
  t.match(server.failures, [
    { error: { message: /deadline of its drain/ } },
    { error: { message: /transport failed: gone with it/ } },
  ]);
  t.equal(server.clock.pending, 0);
});

t.test('drain: whoever hears of the last but one may end the last one, and the end is told once', async (t) => {
  const log: string[] = [];
  const server = serve({
    drained: {
      next: ({ outcome }) => {
        log.push(outcome);
        second.give(record.alert('fatal', 'internal_error'));
      },
      complete: () => log.push('drained'),
    },
  });
  const [first, second] = [server.open(), server.open()];
  server.stop.next();
  first.give(record.alert('fatal', 'internal_error'));
  t.same(log, ['failed', 'failed', 'drained']);
  t.same(server.log, ['complete']);
});

t.test('limits: when a server ends, nobody who waits for a slot is given it to be cut', async (t) => {
  for (const way of ['unsubscribe', 'without a drain', 'deadline', 'listener'] as const) {
    const listener = new Subject<Wire['duplex']>();
    const stop = new Subject<void>();
    const clock = new Clock();
    let chosen = 0;
    const serving = listener
      .pipe(
        secureEach(
          byHello(() => {
            chosen++;
            return placeboEngine.server();
          }),
          () => NEVER,
          {
            scheduler: clock,
            maxConcurrentHandshakes: 1,
            ...(way !== 'without a drain' && { drain: drain(stop, { deadline: 1_000 }) }),
          },
        ),
      )
      .subscribe({ error: () => undefined });
    const wires = Array.from({ length: 4 }, () => {
      const wire = new Wire();
      listener.next(wire.duplex);
      wire.give(record.clientHello({ version: 'TLSv1.3' }));
      return wire;
    });
    if (way === 'listener') listener.error(new Error('no more'));
    else if (way === 'deadline') {
      stop.next();
      clock.to(1_000);
    } else serving.unsubscribe();
    t.equal(chosen, 1, way);
    for (const wire of wires.slice(1)) t.same([wire.count('handshake 2'), wire.count('abort')], [0, 1], way);
    t.equal(clock.pending, 0);
  }
});

t.test('drain: with a notifier that fails at once nobody begins to listen', async (t) => {
  let listeners = 0;
  let error: unknown;
  const listener = new Observable<Wire['duplex']>(() => void listeners++);
  const stop = drain(
    throwError(() => new Error('no notifier')),
    { deadline: 1_000 },
  );
  listener
    .pipe(secureEach(placeboEngine.server(), () => NEVER, { drain: stop }))
    .subscribe({ error: (thrown: unknown) => (error = thrown) });
  t.match(error, { message: 'no notifier' });
  t.equal(listeners, 0);
});

t.test('drain: options that cannot be', async (t) => {
  for (const options of [
    undefined,
    null,
    {},
    { deadline: -1 },
    { deadline: Number.NaN },
    { deadline: 2 ** 31 },
    { deadline: 1, quiet: -1 },
    { deadline: 1, quiet: 2 ** 31 },
    { deadline: '1' },
    { deadline: 1, drained: null },
    { deadline: 1, drained: () => undefined },
  ])
    t.throws(() => drain(NEVER, options as never), ApiMisuseError, JSON.stringify(options));
  for (const notifier of [undefined, null, 5, {}])
    t.throws(() => drain(notifier as never, { deadline: 1 }), ApiMisuseError);
  for (const wrong of [NEVER, null, {}])
    t.throws(() => secureEach(placeboEngine.server(), () => NEVER, { drain: wrong as never }), ApiMisuseError);
});
