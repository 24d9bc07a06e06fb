// Reading, writing and closing a connection by every method it has, and the operators around it.
import { open, secure, secureEach, tls, type TlsConnection, use } from '@rxtls/core';
import { AbortedError, ApiMisuseError, defaultLimits, WriteRefusedError } from '@rxtls/core/engine';
import {
  asyncScheduler,
  concat,
  delay,
  ignoreElements,
  map,
  merge,
  type MonoTypeOperatorFunction,
  NEVER,
  type Observable,
  of,
  Subject,
  switchMap,
  take,
  takeWhile,
  throwError,
  toArray,
  firstValueFrom,
} from 'rxjs';
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
  Wire,
} from './bench.ts';

/** A client whose transport takes nothing until it is granted. */
const blocked = (options: Parameters<typeof openClient>[0] = {}): Bench => {
  const bench = openClient(options, 'TLSv1.3', new Wire(200));
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  return bench;
};
const drain = async (bench: Bench): Promise<void> => {
  for (let turn = 0; turn < 300; turn++) {
    bench.wire.grant(100_000);
    bench.clock.flush();
    await settled();
  }
};

// ── writeFrom ──────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('writeFrom: every kind of input arrives whole, whatever its size', async (t) => {
  const big = pattern(5_242_880);
  const parts = [big.subarray(0, 1), new Uint8Array(0), big.subarray(1, 3_000_000), big.subarray(3_000_000)];
  async function* asynchronous() {
    for (const part of parts) {
      await Promise.resolve();
      yield part;
    }
  }
  const inputs: Record<string, () => Parameters<TlsConnection['writeFrom']>[0]> = {
    iterable: () => parts,
    'async iterable': asynchronous,
    ReadableStream: () => new ReadableStream({ start: (c) => (parts.forEach((part) => c.enqueue(part)), c.close()) }),
    promise: () => Promise.resolve(big),
    observable: () => of(big),
    'ByteSource of another connection': () => {
      const wire = new Wire();
      wire.give(...parts.filter(({ length }) => length > 0));
      wire.source.complete();
      return wire.duplex.source;
    },
  };
  for (const [name, input] of Object.entries(inputs)) {
    const bench = blocked();
    let most = 0;
    let state = '';
    bench.connection.ledger.subscribe(({ outstanding }) => (most = Math.max(most, outstanding)));
    bench.connection
      .writeFrom(input())
      .subscribe({ complete: () => (state = '|'), error: (error) => (state = String(error)) });
    await drain(bench);
    t.equal(state, '|', name);
    t.ok(sameBytes(bench.wire.sent, big), name);
    t.ok(most <= defaultLimits.writeHighWater + 16_384 + 100_000, `${name}: at most ${most} bytes were held`);
    t.ok(bench.ledgers.every(({ accepted, flushed, lost, outstanding }) => accepted === flushed + lost + outstanding));
  }
});

t.test(
  'writeFrom: pulling stops at the high-water mark and goes on at the low one; unsubscribing stops it',
  async (t) => {
    const limits = { writeHighWater: 10_000, writeLowWater: 4_000 };
    let pulled = 0;
    let returned = 0;
    const endless = {
      [Symbol.iterator]: () => ({
        next: () => (pulled++, { done: false as const, value: pattern(1_000) }),
        return: () => (returned++, { done: true as const, value: undefined }),
      }),
    };
    const bench = blocked({ limits });
    const subscription = bench.connection.writeFrom(endless).subscribe();
    t.equal(pulled, 10);
    bench.wire.demand.set(1);
    bench.wire.demand.set(0);
    t.equal(pulled, 10, 'still above the low-water mark');
    for (let n = 0; n < 5; n++) {
      bench.wire.demand.set(1);
      bench.wire.demand.set(0);
    }
    t.ok(pulled > 10 && pulled < 25, `${pulled} were pulled`);
    const { accepted } = bench.ledger;
    const before = pulled;
    subscription.unsubscribe();
    t.equal(returned, 1, 'the iterator was let go');
    await drain(bench);
    t.equal(pulled, before);
    t.equal(bench.ledger.flushed, accepted, 'what was accepted goes out');
    t.same(bookkeeping(bench), []);
  },
);

t.test('writeFrom: an observable that emits more than the queue takes is refused', async (t) => {
  const bench = blocked();
  const source = new Subject<Uint8Array>();
  let error: unknown;
  bench.connection.writeFrom(source).subscribe({ error: (thrown) => (error = thrown) });
  for (let n = 0; n < 40; n++) source.next(pattern(30_000));
  t.type(error, WriteRefusedError);
  t.notOk(source.observed);
  t.equal(bench.error, undefined, 'the connection goes on');
});

t.test('writeFrom: what is no bytes, and sources that fail, are errors of writeFrom alone', async (t) => {
  const boom = new Error('boom');
  const bad: [unknown, string][] = [
    [['text'], 'ApiMisuseError'],
    [[undefined], 'ApiMisuseError'],
    [[null], 'ApiMisuseError'],
    [of('text'), 'ApiMisuseError'],
    [of(undefined), 'ApiMisuseError'],
    [Promise.resolve('text'), 'ApiMisuseError'],
    [Promise.resolve(undefined), 'ApiMisuseError'],
    ['text', 'ApiMisuseError'],
    [pattern(3), 'ApiMisuseError'],
    [null, 'ApiMisuseError'],
    [5, 'ApiMisuseError'],
    [{}, 'ApiMisuseError'],
    [
      {
        [Symbol.iterator]: () => ({
          next() {
            throw boom;
          },
        }),
      },
      'boom',
    ],
    [{ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(boom) }) }, 'boom'],
    [Promise.reject(boom), 'boom'],
    [throwError(() => boom), 'boom'],
    [
      {
        [Symbol.iterator]: () => {
          throw boom;
        },
      },
      'boom',
    ],
    [
      new ReadableStream({
        pull() {
          throw boom;
        },
      }),
      'boom',
    ],
    [
      {
        [Symbol.iterator]: () => ({
          next: () => ({ done: false, value: 'x' }),
          return() {
            throw new Error('return throws');
          },
        }),
      },
      'ApiMisuseError',
    ],
  ];
  for (const [input, expected] of bad) {
    const bench = openClient();
    const errors: Error[] = [];
    bench.connection.writeFrom(input as never).subscribe({ error: (error: Error) => errors.push(error) });
    await settled();
    t.equal(errors.length, 1, expected);
    t.equal(expected === 'boom' ? errors[0]?.message : errors[0]?.name, expected);
    bench.connection.write(ascii('fine'));
    t.equal(text(bench.wire.sent), 'fine');
    t.equal(bench.error, undefined);
  }
});

t.test('writeFrom: echo of a connection’s own source, with demand all the way', async (t) => {
  const bench = openClient({ read: false });
  bench.connection.writeFrom(bench.connection.source).subscribe();
  const all: Uint8Array[] = [];
  for (let n = 0; n < 60; n++) {
    all.push(pattern(16_000, n));
    bench.wire.give(record.applicationData(all[n]!));
  }
  bench.wire.give(record.closeNotify());
  await drain(bench);
  t.ok(sameBytes(bench.wire.sent, joined(all)));
  t.ok(bench.isComplete);
});

t.test('writes: closing our side ends a source that has more to give, and is no failure', async (t) => {
  function* endless(): Generator<Uint8Array> {
    for (;;) yield pattern(1_000);
  }
  const wire = new Wire(50_000);
  const bench = new Bench(wire).start(placeboEngine.client(), { writes: endless() }).handshake();
  t.ok(bench.ledger.outstanding > 0);
  bench.connection.close().subscribe();
  wire.grant(10_000_000);
  bench.clock.to(1_000);
  wire.give(record.closeNotify());
  bench.clock.to(2_000);
  t.equal(bench.error, undefined);
  t.ok(bench.isComplete);
  t.equal(bench.ledger.outstanding, 0);
  t.equal(bench.ledger.lost, 0);
  t.same(bookkeeping(bench), []);
});

t.test('writes: completion sends close_notify, an error aborts, before and after the handshake', async (t) => {
  for (const when of ['before', 'after'] as const)
    for (const how of ['completes', 'errors'] as const) {
      const writes = new Subject<Uint8Array>();
      const bench = new Bench().start(placeboEngine.client(), { writes });
      if (when === 'after') bench.handshake();
      writes.next(ascii('x'));
      if (how === 'completes') writes.complete();
      else writes.error(new Error('source'));
      if (when === 'before' && how === 'completes') bench.handshake();
      if (how === 'completes') t.same(bench.wire.calls.slice(2), ['data 1', 'close_notify'], when);
      else {
        t.match(bench.error, { name: 'AbortedError', cause: { message: 'source' } });
        t.notOk(bench.wire.calls.includes('close_notify'));
        t.equal(bench.wire.count('abort'), 1);
      }
      t.same(
        bookkeeping(bench).filter((fault) => !fault.includes('0 ends')),
        [],
      );
    }
  for (const bad of [throwError(() => new Error('at once')), 'text' as never, null as never]) {
    const bench = new Bench().start(placeboEngine.client(), { writes: bad });
    t.ok(bench.error instanceof Error);
    t.equal(bench.wire.count('abort'), 1);
    t.equal(bench.clock.pending, 0);
  }
  const empty = new Bench().start(placeboEngine.client(), { writes: [] }).handshake();
  t.same(empty.wire.calls.slice(2), ['close_notify'], 'an empty source closes at once');
});

// ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('readEach: one chunk at a time, with demand; nothing is lost when it stops', async (t) => {
  const bench = openClient({ read: false, limits: { readHighWater: 30_000, readLowWater: 10_000 } });
  const gates: Subject<void>[] = [];
  const seen: string[] = [];
  const subscription = bench.connection
    .readEach((bytes) => {
      seen.push(text(bytes).slice(0, 3));
      const gate = new Subject<void>();
      gates.push(gate);
      return gate;
    })
    .subscribe();
  for (let n = 0; n < 20; n++)
    bench.wire.give(record.applicationData(ascii(`${String(n).padStart(3, '0')}${'.'.repeat(5_000)}`)));
  t.same(seen, ['000']);
  t.ok(bench.wire.read <= 30_000 + 5_100 + 100, 'the transport waits');
  for (let n = 0; n < 4; n++) gates.at(-1)!.complete();
  t.same(seen, ['000', '001', '002', '003', '004']);
  subscription.unsubscribe();
  bench.connection.plaintext.subscribe((bytes) => seen.push(text(bytes).slice(0, 3)));
  bench.clock.flush();
  t.same(
    seen,
    Array.from({ length: 20 }, (_, n) => String(n).padStart(3, '0')),
  );
});

t.test('readEach: again and again with take(1), values, errors and the end', async (t) => {
  const bench = openClient({ read: false });
  for (const word of ['one', 'two', 'three', 'four']) bench.wire.give(record.applicationData(ascii(word)));
  const words: string[] = [];
  for (let n = 0; n < 3; n++)
    bench.connection
      .readEach((bytes) => of(text(bytes)))
      .pipe(take(1))
      .subscribe((word) => words.push(word));
  let error: unknown;
  bench.connection
    .readEach(() => {
      throw new Error('project');
    })
    .subscribe({ error: (thrown) => (error = thrown) });
  t.match(error, { message: 'project' });
  t.same(words, ['one', 'two', 'three']);
  t.equal(bench.error, undefined, 'an error of project is the caller’s');
  bench.wire.give(record.applicationData(ascii('five')), record.closeNotify());
  let isDone = false;
  bench.connection
    .readEach((bytes) => Promise.resolve(text(bytes)))
    .subscribe({ next: (word) => words.push(word), complete: () => (isDone = true) });
  await settled();
  t.same(words, ['one', 'two', 'three', 'five']);
  t.ok(isDone);
});

t.test('unread: a remainder comes back in front', async (t) => {
  const bench = openClient({ read: false });
  bench.wire.give(record.applicationData(ascii('line one\nline two')));
  bench.connection.plaintext.pipe(take(1)).subscribe((bytes) => bench.connection.unread(bytes.subarray(9)));
  bench.wire.give(record.applicationData(ascii('!')));
  bench.read();
  t.equal(bench.received, 'line two!');
});

// ── exchange, closing, unwrapping ──────────────────────────────────────────────────────────────────────────────────────

t.test('exchange: writes, emits what comes back, closes after it; halfClose says so first', async (t) => {
  for (const halfClose of [false, true]) {
    const bench = openClient({ read: false });
    const got: string[] = [];
    bench.connection.exchange([ascii('request')], { halfClose }).subscribe({
      next: (bytes) => got.push(text(bytes)),
      complete: () => got.push('|'),
      error: (error) => got.push(String(error)),
    });
    t.same(bench.wire.calls.slice(2), halfClose ? ['data 7', 'close_notify'] : ['data 7']);
    bench.wire.give(record.applicationData(ascii('answer')), record.closeNotify());
    t.same(got, ['answer', '|']);
    t.equal(bench.wire.count('close_notify'), 1);
    t.ok(bench.isComplete);
    t.equal(bench.clock.pending, 0);
  }
  const old = openClient({ read: false }, 'TLSv1.2');
  let error: unknown;
  old.connection.exchange([], { halfClose: true }).subscribe({ error: (thrown) => (error = thrown) });
  t.type(error, ApiMisuseError);
  const cut = openClient({ read: false });
  cut.connection.exchange([ascii('x')]).subscribe({ error: (thrown) => (error = thrown) });
  cut.wire.source.complete();
  t.match(error, { name: 'TruncationError' });
});

t.test('close, closeWrite: cold, idempotent, and done when they say so', async (t) => {
  const bench = openClient();
  const { connection, wire } = bench;
  const calls = [
    connection.close(),
    connection.closeWrite(),
    connection.unwrap(),
    connection.exchange([]),
    connection.writeFrom([ascii('x')]),
  ];
  t.equal(calls.length, 5);
  t.equal(wire.calls.length, 2, 'nothing happens before they are subscribed');
  let done = 0;
  for (let n = 0; n < 3; n++) connection.closeWrite().subscribe({ complete: () => done++ });
  t.equal(done, 3);
  t.equal(wire.count('close_notify'), 1);
  wire.give(record.applicationData(ascii('still reading')));
  t.equal(bench.received, 'still reading');
  for (let n = 0; n < 2; n++) connection.close().subscribe({ complete: () => done++ });
  wire.give(record.closeNotify());
  t.equal(done, 5);
  t.equal(wire.count('close_notify'), 1);
});

t.test('unwrap: every byte after close_notify comes back, in order, and the transport lives on', async (t) => {
  for (const chunking of ['one chunk', 'by byte'] as const) {
    const bench = openClient();
    const after = ascii('220 plain again\r\nmore');
    const stream = joined([record.applicationData(ascii('last')), record.closeNotify(), after]);
    const got: Uint8Array[] = [];
    bench.connection.unwrap().subscribe((duplex) => {
      duplex.source.request(1_000);
      duplex.source.bytes.subscribe((bytes) => got.push(bytes));
    });
    if (chunking === 'one chunk') bench.wire.give(stream);
    else for (const byte of stream) bench.wire.give(Uint8Array.of(byte));
    t.equal(bench.received, 'last');
    t.equal(text(...got), text(after));
    t.equal(bench.wire.count('end') + bench.wire.count('abort'), 0);
    bench.wire.give(ascii('!'));
    t.equal(text(...got), `${text(after)}!`);
    t.equal(bench.clock.pending, 0);
  }
});

t.test('unwrap: and TLS again over the same transport', async (t) => {
  const { client, server } = securedPair({ client: { halfOpen: true } });
  const again: string[] = [];
  const clock = client.clock;
  for (const [side, engine] of [
    [server, placeboEngine.server()],
    [client, placeboEngine.client()],
  ] as const)
    side.connection
      .unwrap()
      .pipe(
        switchMap((duplex) => concat(of(duplex), NEVER).pipe(secure(engine, { scheduler: clock }))),
        switchMap((connection) => {
          connection.write(ascii(side === client ? 'from client' : 'from server'));
          return connection.plaintext;
        }),
      )
      .subscribe((bytes) => again.push(text(bytes)));
  clock.flush();
  t.same(again.sort(), ['from client', 'from server']);
});

t.test('TLS in TLS in TLS is pipe: data both ways, clean end, every layer', async (t) => {
  const clock = new Clock();
  const [a, b] = memoryPair({ scheduler: clock, aToB: { fragment: 999 }, bToA: { fragment: 77 } });
  const options = { scheduler: clock };
  const received: Uint8Array[] = [];
  const log: string[] = [];
  concat(of(b), NEVER)
    .pipe(
      secure(placeboEngine.server(), options),
      secure(placeboEngine.server(), options),
      secure(placeboEngine.server(), options),
      switchMap((connection) =>
        merge(
          connection.plaintext.pipe(map((bytes) => void received.push(bytes))),
          connection.writeFrom([pattern(100_000)]),
        ).pipe(ignoreElements()),
      ),
    )
    .subscribe({ error: (error) => log.push(`server ${error}`), complete: () => log.push('server |') });
  const answer: Uint8Array[] = [];
  concat(of(a), NEVER)
    .pipe(
      secure(placeboEngine.client(), options),
      secure(placeboEngine.client(), options),
      secure(placeboEngine.client(), options),
      use((connection) =>
        merge(
          connection.writeFrom([pattern(300_000)]).pipe(ignoreElements()),
          connection.readEach((bytes) => [bytes]).pipe(takeBytes(100_000)),
        ),
      ),
    )
    .subscribe({
      next: (bytes) => answer.push(bytes),
      error: (error) => log.push(`client ${error}`),
      complete: () => log.push('client |'),
    });
  clock.flush();
  t.ok(sameBytes(joined(received), pattern(300_000)));
  t.ok(sameBytes(joined(answer), pattern(100_000)));
  t.ok(log.includes('client |'), log.join());
  t.notOk(
    log.some((line) => line.startsWith('server E')),
    log.join(),
  );
  t.equal(clock.pending, 0);
});

/** Completes when so many bytes have come. */
const takeBytes = (count: number): MonoTypeOperatorFunction<Uint8Array> => {
  let left = count;
  return takeWhile((bytes) => (left -= bytes.length) > 0, true);
};

// ── operators ──────────────────────────────────────────────────────────────────────────────────────────────────────────

t.test('tls: the literal form, both roles, observers and sinks', async (t) => {
  for (const form of ['observer', 'sink'] as const) {
    const toServer = new Subject<Uint8Array>();
    const toClient = new Subject<Uint8Array>();
    const log: string[] = [];
    const wires = [new Wire(), new Wire()];
    wires[0]!.onWrite = (bytes) => toServer.next(bytes);
    wires[1]!.onWrite = (bytes) => toClient.next(bytes);
    const ports = form === 'observer' ? [toServer, toClient] : wires.map(({ duplex }) => duplex.sink);
    const scheduler = new Clock();
    const note = (name: string) => ({
      next: (bytes: Uint8Array) => log.push(`${name} ${text(bytes)}`),
      complete: () => log.push(`${name} |`),
      error: (error: unknown) => log.push(`${name} ${error}`),
    });
    toServer
      .pipe(tls(placeboEngine.server(), { writes: [ascii('welcome')], ciphertextOut: ports[1]!, scheduler }))
      .subscribe(note('server read'));
    toClient
      .pipe(tls(placeboEngine.client(), { writes: [ascii('hello')], ciphertextOut: ports[0]!, scheduler }))
      .subscribe(note('client read'));
    t.same(log.sort(), ['client read welcome', 'client read |', 'server read hello', 'server read |'].sort(), form);
    if (form === 'observer') t.ok(toServer.isStopped && toClient.isStopped, 'completion follows close_notify');
    t.equal(scheduler.pending, 0);
  }
  t.throws(() => tls(placeboEngine.client(), undefined as never), ApiMisuseError);
  t.throws(() => tls(placeboEngine.client(), { ciphertextOut: null as never }), ApiMisuseError);
  t.throws(
    () => tls(placeboEngine.client(), { ciphertextOut: new Subject(), trucation: 'error' } as never),
    ApiMisuseError,
  );
});

t.test('tls: an observer that throws on ciphertext ends the connection; unsubscribing errors the port', async (t) => {
  let error: unknown;
  NEVER.pipe(
    tls(placeboEngine.client(), {
      ciphertextOut: {
        next: () => {
          throw new Error('port');
        },
        error: () => undefined,
        complete: () => undefined,
      },
      scheduler: new Clock(),
    }),
  ).subscribe({ error: (thrown) => (error = thrown) });
  t.match(error, { name: 'AbortedError', cause: { message: 'port' } });
  const out = new Subject<Uint8Array>();
  let ended: unknown;
  out.subscribe({ error: (thrown) => (ended = thrown) });
  NEVER.pipe(tls(placeboEngine.client(), { ciphertextOut: out, scheduler: new Clock() }))
    .subscribe()
    .unsubscribe();
  t.type(ended, AbortedError);
});

t.test('use: works with the connection and closes it; its error cuts', async (t) => {
  const wire = new Wire();
  const log: string[] = [];
  const clock = new Clock();
  concat(of(wire.duplex), NEVER)
    .pipe(
      secure(placeboEngine.client(), { scheduler: clock }),
      use((connection) => connection.write(ascii('x')).pipe(map(({ type }) => type))),
    )
    .subscribe({ next: (type) => log.push(type), complete: () => log.push('|') });
  wire.give(record.serverFlight(1, true), record.closeNotify());
  t.same(log, ['queued', 'sealed', 'flushed', '|']);
  t.same(wire.calls.slice(2), ['data 1', 'close_notify', 'end']);
  t.equal(clock.pending, 0);
  const bad = new Wire();
  let error: unknown;
  concat(of(bad.duplex), NEVER)
    .pipe(
      secure(placeboEngine.client(), { scheduler: clock }),
      use(() => {
        throw new Error('work');
      }),
    )
    .subscribe({ error: (thrown) => (error = thrown) });
  bad.give(record.serverFlight(1, true));
  t.match(error, { message: 'work' });
  t.equal(bad.count('abort'), 1);
});

t.test('open: async/await, and await using closes gracefully', async (t) => {
  const wire = new Wire();
  queueMicrotask(() => wire.give(record.serverFlight(1, true)));
  const connection = await open(concat(of(wire.duplex), NEVER).pipe(secure(placeboEngine.client())));
  await firstValueFrom(connection.write(ascii('x')).pipe(toArray()));
  t.equal(wire.count('abort'), 0, 'the promise does not tear it down');
  queueMicrotask(() => wire.give(record.closeNotify()));
  await connection[Symbol.asyncDispose]();
  t.same(wire.calls.slice(2), ['data 1', 'close_notify', 'end']);
  await connection[Symbol.asyncDispose]();
  await t.rejects(open(NEVER.pipe(take(0)) as Observable<TlsConnection>), AbortedError);
  await t.rejects(open(throwError(() => new Error('refused'))), /refused/);
});

t.test(
  'secureEach: completing closes, erroring cuts, the others go on; failures are told with their address',
  async (t) => {
    const listener = new Subject<Wire['duplex']>();
    const failures: string[] = [];
    const results: string[] = [];
    const clock = new Clock();
    const wires = [new Wire(), new Wire(), new Wire()];
    const subscription = listener
      .pipe(
        secureEach(
          placeboEngine.server(),
          (connection) => {
            const index = wires.findIndex(({ duplex }) => duplex.info === connection.info);
            if (index === 0) return of('done');
            if (index === 1) return throwError(() => new Error('inner'));
            return connection.plaintext.pipe(map((bytes) => text(bytes)));
          },
          {
            scheduler: clock,
            failed: ({ error, info }) => failures.push(`${(error as Error).message} ${info.remote}`),
          },
        ),
      )
      .subscribe((result) => results.push(result));
    for (const wire of wires) {
      listener.next(wire.duplex);
      wire.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());
    }
    t.same(results, ['done']);
    t.same(failures, ['inner wire']);
    t.ok(wires[0]!.calls.includes('close_notify'));
    t.equal(wires[1]!.count('abort'), 1);
    t.notOk(wires[1]!.calls.includes('close_notify'));
    wires[2]!.give(record.applicationData(ascii('fine')));
    t.same(results, ['done', 'fine']);
    subscription.unsubscribe();
    t.same(
      wires.map((wire) => wire.count('abort')),
      [1, 1, 1],
    );
    t.equal(clock.pending, 0);
  },
);

t.test('rule 9: work that fails cuts its connection, also when all that was written has gone', async (t) => {
  const fails = new Subject<never>();
  const work = (connection: TlsConnection): Observable<unknown> => merge(connection.write(ascii('half')), fails);
  const errors: unknown[] = [];
  const failed = (error: unknown): void => void errors.push(error);

  const served = new Wire();
  const listener = new Subject<Wire['duplex']>();
  const server = secureEach(placeboEngine.server(), work, { failed: ({ error }) => failed(error) });
  listener.pipe(server).subscribe();
  listener.next(served.duplex);
  served.give(record.clientHello({ version: 'TLSv1.3' }), record.finished());

  const asked = new Wire();
  concat(of(asked.duplex), NEVER).pipe(secure(placeboEngine.client()), use(work)).subscribe({ error: failed });
  asked.give(record.serverFlight(1, true));

  const backend = new Error('the backend died');
  fails.error(backend);
  t.same(errors, [backend, backend], 'the very error of the work is told');
  for (const wire of [served, asked]) {
    t.same(wire.calls.slice(-4), ['data 4', 'alert 2:80', 'end', 'abort']);
  }
});

t.test('timers: real ones of the default scheduler are all let go', async (t) => {
  let pending = 0;
  const counted = Object.create(asyncScheduler) as typeof asyncScheduler;
  counted.schedule = ((...args: Parameters<typeof asyncScheduler.schedule>) => {
    pending++;
    const action = asyncScheduler.schedule(...args);
    action.add(() => pending--);
    return action;
  }) as typeof asyncScheduler.schedule;
  const [a, b] = memoryPair({ aToB: { delay: 1 }, bToA: { delay: 1 } });
  const served = concat(of(b), NEVER).pipe(
    secure(placeboEngine.server(), { scheduler: counted }),
    switchMap((c) => c.writeFrom(c.source)),
  );
  const result = concat(of(a), NEVER).pipe(
    secure(placeboEngine.client(), { scheduler: counted }),
    use((c) => merge(c.write(ascii('ping')).pipe(ignoreElements()), c.plaintext.pipe(take(1)))),
    delay(0),
  );
  const server = served.subscribe();
  t.equal(text(await firstValueFrom(result)), 'ping');
  server.unsubscribe();
  await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(pending, 0);
});
