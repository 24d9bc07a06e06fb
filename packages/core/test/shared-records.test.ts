// Small writes that wait go out together: what they share, and what they keep to themselves.
import { of, Subject, takeUntil } from 'rxjs';
import t from 'tap';
import { SideBySide } from '../src/side-by-side.ts';
import { ascii, type Bench, bookkeeping, joined, openClient, pattern, sameBytes } from './bench.ts';

const recordBytes = 16_384;

/** Connected, and the transport takes nothing. */
function blocked(version?: 'TLSv1.2'): Bench {
  const bench = openClient({ limits: { renegotiation: { max: 1 } } }, version);
  bench.wire.room = 0;
  bench.wire.demand.set(0);
  bench.wire.calls.length = 0;
  return bench;
}

t.test(
  'W1 (placebo): 4 096 small writes that wait are sealed in full records, and each has its own acks',
  async (t) => {
    const bench = blocked();
    const all = pattern(4_096 * 100);
    for (let at = 0; at < all.length; at += 100) bench.connection.write(all.subarray(at, at + 100));
    bench.wire.grant(Number.POSITIVE_INFINITY);
    bench.clock.to(10); // in several turns
    t.ok(sameBytes(bench.wire.sent, all));
    t.ok(bench.wire.count(`data ${163 * 100}`) >= 24, 'a record takes 163 of them');
    t.ok(bench.wire.calls.length <= 30, `${bench.wire.calls.length} records`);
    t.same(bookkeeping(bench), []);
    const flushed = bench.acks.flatMap(({ type, intent }) => (type === 'flushed' ? [intent] : []));
    t.same(
      flushed,
      Array.from({ length: 4_096 }, (_, at) => at + 1),
    );
    const records = bench.acks.flatMap((ack) => (ack.type === 'sealed' ? [ack.records] : []));
    t.equal(records.length, 4_096);
    t.same(records[0], records[1], 'the record that carries both');
    t.ok(records.every((range) => range?.first === range?.last));
  },
);

t.test('rule 3: writes share a record only with those right before and behind them', async (t) => {
  for (const version of [undefined, 'TLSv1.2'] as const) {
    const bench = blocked(version);
    const { connection, wire } = bench;
    for (const text of ['one', 'two']) connection.write(ascii(text));
    connection.updateKeys();
    for (const text of ['three', 'four']) connection.write(ascii(text));
    connection.write(new Uint8Array(0));
    connection.write(ascii('five'));
    connection.write(pattern(20_000));
    connection.write(ascii('six'));
    wire.grant(Number.POSITIVE_INFINITY);
    const data = wire.calls.filter((call) => call.startsWith('data'));
    t.equal(data[0], 'data 6');
    if (version !== undefined) continue; // the renegotiation waits for a peer
    t.same(data, ['data 6', 'data 9', 'data 4', `data ${recordBytes}`, `data ${20_000 - recordBytes}`, 'data 3']);
    const ends = bench.acks.flatMap(({ type, intent }) => (type === 'flushed' ? [intent] : []));
    t.same(ends, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    t.same(bookkeeping(bench), []);
  }
});

t.test('rule 6: small writes go past demand no further than one of them alone', async (t) => {
  const bench = blocked();
  for (let at = 0; at < 10; at++) bench.connection.write(pattern(100));
  bench.wire.demand.set(250);
  bench.wire.demand.set(0);
  t.same(bench.wire.calls.slice(0, 1), ['data 200']);
});

t.test('W4 (placebo): arrays that are written over after each write, while all wait', async (t) => {
  const bench = blocked();
  const array = Buffer.alloc(300);
  const expected: Uint8Array[] = [];
  for (const length of [1, 100, 300, 299, 4]) {
    for (let repeat = 0; repeat < 40; repeat++) {
      array.fill(repeat + length);
      expected.push(Uint8Array.from(array.subarray(0, length)));
      bench.connection.write(array.subarray(0, length));
      array.fill(255);
    }
  }
  bench.wire.grant(Number.POSITIVE_INFINITY);
  t.ok(sameBytes(bench.wire.sent, joined(expected)));
  t.same(bookkeeping(bench), []);
});

t.test(
  'writeFrom: small chunks that can be pulled at once share records, also where each could go at once',
  async (t) => {
    const bench = openClient();
    const [before, all] = [bench.wire.calls.length, pattern(50_000)];
    const array = new Uint8Array(100);
    let isDone = false;
    function* chunks(): Generator<Uint8Array> {
      for (let at = 0; at < all.length; at += 100) {
        array.set(all.subarray(at, at + 100)); // the same array again and again
        yield array;
      }
    }
    bench.connection.writeFrom(chunks()).subscribe({ complete: () => (isDone = true) });
    t.ok(isDone, 'within the call');
    t.ok(sameBytes(bench.wire.sent, all));
    t.ok(bench.wire.calls.length - before <= 5, `${bench.wire.calls.length - before} records`);
    t.equal(bench.acks.filter(({ type }) => type === 'flushed').length, 500);
    t.same(bookkeeping(bench), []);
  },
);

t.test('writeFrom: an iterator that writes, and one that ends the connection, while chunks are gathered', async (t) => {
  const bench = openClient();
  function* writing(): Generator<Uint8Array> {
    yield ascii('a');
    bench.connection.write(ascii('b'));
    yield ascii('c');
    bench.connection.updateKeys();
    yield ascii('d');
  }
  bench.connection.writeFrom(writing()).subscribe();
  t.equal(String.fromCharCode(...bench.wire.sent), 'abcd');
  t.same(bookkeeping(bench), []);
  const cut = openClient();
  let error: unknown;
  function* ending(): Generator<Uint8Array> {
    yield ascii('a');
    cut.subscription?.unsubscribe();
    yield ascii('b');
  }
  cut.connection.writeFrom(ending()).subscribe({ error: (thrown) => (error = thrown) });
  t.match(error, { name: 'WriteLostError' });
  t.equal(cut.wire.sent.length, 0);
  t.equal(cut.wire.count('abort'), 1);
  t.same(bookkeeping(cut), []);
});

t.test('writeFrom: one that is stopped by an ack writes nothing of what it has pulled', async (t) => {
  for (const next of [pattern(16_350), pattern(16_000), new Uint8Array(0)]) {
    const bench = openClient();
    const before = bench.wire.calls.length;
    const stop = new Subject<void>();
    bench.connection.acks.subscribe(({ type }) => {
      if (type === 'flushed') stop.next();
    });
    bench.connection
      .writeFrom([pattern(100), next, pattern(5)])
      .pipe(takeUntil(stop))
      .subscribe();
    if (next.length > 0) t.same(bench.wire.calls.slice(before), ['data 100']);
    t.same(bookkeeping(bench), []);
  }
});

t.test('what waits: small arrays side by side, each kept from being written over', async (t) => {
  const waiting = new SideBySide();
  const [first, second] = [waiting.keep(ascii('one'), false), waiting.keep(ascii('two'), true)];
  t.equal(second.buffer, first.buffer);
  t.equal(second.byteOffset, first.byteOffset + 3);
  const large = pattern(recordBytes);
  t.equal(waiting.keep(large, true), large, 'a large array that was handed over is not copied');
  t.not(waiting.keep(large, false).buffer, large.buffer);
  for (let at = 0; at < 2_000; at++) waiting.keep(pattern(100), false);
  t.equal(String.fromCharCode(...first, ...second), 'onetwo');
});

t.test(
  'writeFrom: a large array that is pulled waits as it is, and only when the engine takes it is the next one asked for',
  async (t) => {
    const bench = blocked();
    const [all, array, length] = [pattern(400_000), new Uint8Array(40_000), 40_000];
    const before = bench.acks.length;
    let asked = 0;
    let isDone = false;
    function* chunks(): Generator<Uint8Array> {
      for (let at = 0; at < all.length; at += length) {
        asked++;
        array.set(all.subarray(at, at + length)); // the same array again and again
        yield array;
      }
    }
    bench.connection.writeFrom(chunks()).subscribe({ complete: () => (isDone = true) });
    t.equal(asked, 1);
    t.equal(bench.acks.length, before, 'nothing waits in the queue');
    let { length: sent } = bench.wire.sent;
    for (const demand of [1, 16_384, 20_000, 33_000, 65_536, 1]) {
      bench.wire.demand.set(demand);
      bench.wire.demand.set(0);
      const given = bench.wire.sent.length - sent;
      sent = bench.wire.sent.length;
      t.ok(given > 0 && given <= Math.max(recordBytes, demand), `${given} for a demand of ${demand}`);
      t.equal(asked, Math.floor(sent / length) + 1);
    }
    bench.wire.grant(Number.POSITIVE_INFINITY);
    bench.clock.to(10); // in several turns
    t.ok(isDone);
    t.ok(sameBytes(bench.wire.sent, all));
    t.same(bookkeeping(bench), []);
  },
);

t.test('writeFrom: what an observable emits cannot be put off, and has the room of the high-water mark', async (t) => {
  const bench = openClient();
  const errors: unknown[] = [];
  bench.wire.demand.set(0);
  bench.connection
    .writeFrom(of(pattern(10), pattern(100_000), pattern(10), pattern(300_000)))
    .subscribe({ error: (error) => errors.push(error) });
  t.same(errors, []);
  t.equal(bench.ledger.accepted, 400_020);
});
