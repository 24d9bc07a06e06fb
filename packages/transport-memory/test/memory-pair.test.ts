import type { ByteDuplex } from '@rxtls/core';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { type LinkFaults, memoryPair } from '@rxtls/transport-memory';
import { Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import t from 'tap';

const bytes = (...values: number[]) => Uint8Array.from(values);
const count = (length: number) => Uint8Array.from({ length }, (_, index) => index & 0xff);

/** Reads with endless credit and writes down what happens: chunks as lists, then 'end' or the error's message. */
function read(duplex: ByteDuplex, credit = Number.POSITIVE_INFINITY) {
  const seen: unknown[] = [];
  duplex.source.request(credit);
  duplex.source.bytes.subscribe({
    next: (chunk) => seen.push([...chunk]),
    error: (error: Error) => seen.push(error.message),
    complete: () => seen.push('end'),
  });
  return seen;
}

function watch(level: ByteDuplex['sink']['demand']) {
  const seen: unknown[] = [];
  level.subscribe({
    next: (value) => seen.push(value),
    error: (error: Error) => seen.push(error.message),
    complete: () => seen.push('end'),
  });
  return seen;
}

/** Only the error of `bytes`, by name, for marbles. */
const nameOfEnd = ({ source }: ByteDuplex) =>
  new Observable((subscriber) => source.bytes.subscribe({ error: ({ name }: Error) => subscriber.error({ name }) }));

/** What arrives at `b` when these chunks are written at `a` over a link with these faults. */
function through(faults: LinkFaults, ...chunks: Uint8Array[]) {
  const pair = memoryPair({ aToB: faults });
  const [a, b] = pair;
  const seen = read(b);
  for (const chunk of chunks) a.sink.write(chunk);
  return { seen, a, b, link: pair.link };
}

t.test('write emits at the other end inside the call, when there is credit', async (t) => {
  const [a, b] = memoryPair();
  const seen = read(b, 2);
  a.sink.write(bytes(1, 2, 3));
  t.same(seen, [[1, 2, 3]]);
  a.sink.write(bytes(4));
  t.same(seen, [[1, 2, 3]]);
  b.source.request(2);
  t.same(seen, [[1, 2, 3], [4]]);
  t.same(a.info, { local: 'memory:a', remote: 'memory:b' });
  t.same(b.info, { local: 'memory:b', remote: 'memory:a' });
});

t.test('demand is the capacity less what is in flight; taken rises when the reader has it', async (t) => {
  const [a, b] = memoryPair({ capacity: 10 });
  const [demand, taken] = [watch(a.sink.demand), watch(a.sink.taken)];
  a.sink.write(count(4));
  a.sink.write(count(8));
  t.same(demand, [10, 6, 0]);
  t.same(taken, [0]);
  b.source.request(1);
  b.source.bytes.subscribe();
  t.same(taken, [0, 4]);
  t.same(demand, [10, 6, 0, 2]);
  b.source.request(100);
  t.same(demand, [10, 6, 0, 2, 10]);
  a.sink.end();
  t.same(demand.slice(5), [0, 'end']);
  t.same(taken, [0, 4, 12, 'end']);
});

t.test('a game of writes from inside emissions does not grow the stack', async (t) => {
  const [a, b] = memoryPair();
  let rounds = 0;
  for (const end of [a, b]) {
    end.source.request(Number.POSITIVE_INFINITY);
    end.source.bytes.subscribe((chunk) => {
      if (++rounds < 100_000) end.sink.write(chunk);
    });
  }
  a.sink.write(bytes(1));
  t.equal(rounds, 100_000);
});

t.test('fragment splits by one size, by a list of sizes, by a function of the offset', async (t) => {
  t.same(through({ fragment: 2 }, bytes(1, 2, 3), bytes(4)).seen, [[1, 2], [3], [4]]);
  t.same(through({ fragment: [1, 3] }, count(8)).seen, [[0], [1, 2, 3], [4], [5, 6, 7]]);
  t.same(through({ fragment: (offset) => (offset < 2 ? 1 : 10) }, count(5)).seen, [[0], [1], [2, 3, 4]]);
  const { seen, a } = through({ fragment: () => 0 }, count(5));
  t.same(seen, ['the link was cut'], 'a function that gives nonsense cuts the link');
  t.same(watch(a.sink.demand), ['the link was cut']);
});

t.test('stallAfter holds bytes and the end until release; stall and release work by hand', async (t) => {
  const { seen, a, link } = through({ stallAfter: 3 }, count(5));
  a.sink.end();
  t.same(seen, [[0, 1, 2]]);
  link.aToB.release();
  t.same(seen, [[0, 1, 2], [3, 4], 'end']);
  const other = through({}, bytes(1));
  other.link.aToB.stall();
  other.a.sink.write(bytes(2));
  t.same(other.seen, [[1]]);
  other.link.aToB.release();
  t.same(other.seen, [[1], [2]]);
});

t.test('a cut as an error lets exactly so many bytes through and fails both directions', async (t) => {
  const { seen, a, b } = through({ cutAfter: { bytes: 3, as: 'error' } }, count(2), count(5), count(1));
  t.same(seen, [[0, 1], [0], 'the link was cut']);
  t.same(watch(a.sink.demand), ['the link was cut']);
  t.same(watch(b.sink.demand), ['the link was cut']);
  t.same(read(a), ['the link was cut']);
  b.source.bytes.subscribe({
    error: (error) => {
      t.ok(error instanceof AbortedError);
      t.equal(error.retryable, true);
    },
  });
});

t.test('a cut as an end is an end the writer did not send: it goes on writing into nothing', async (t) => {
  const { seen, a, b } = through({ cutAfter: { bytes: 3, as: 'end' } }, count(5));
  t.same(seen, [[0, 1, 2], 'end']);
  a.sink.write(count(4));
  t.same(watch(a.sink.taken), [9]);
  t.same(watch(a.sink.demand), [256 * 1024]);
  const back = read(a);
  b.sink.write(bytes(7));
  t.same(back, [[7]], 'the other direction lives');
  a.sink.end();
  t.same(watch(a.sink.taken), [9, 'end']);
  t.same(seen, [[0, 1, 2], 'end']);
});

t.test('a cut as an end frees a writer that had ended behind a stall', async (t) => {
  const { seen, a, link } = through({ stallAfter: 1 }, count(3));
  a.sink.end();
  link.aToB.cut('end');
  t.same(seen, [[0], 'end']);
  t.same(watch(a.sink.taken), [3, 'end']);
});

t.test('cut by hand, with bytes that nobody has asked for yet', async (t) => {
  const pair = memoryPair();
  const [a, b] = pair;
  a.sink.write(bytes(1, 2));
  pair.link.aToB.cut('error');
  t.same(read(b), [[1, 2], 'the link was cut'], 'what had arrived is there, then the error');
  const silent = memoryPair();
  silent[0].sink.write(bytes(1));
  silent.link.aToB.cut('end');
  t.same(read(silent[1]), [[1], 'end']);
});

t.test('flip damages the byte at its offset and leaves the writer’s array alone', async (t) => {
  const written = bytes(0, 0, 0, 0);
  const { seen } = through({ fragment: 2, flip: [{ at: 3 }, { at: 0, mask: 0x80 }] }, written);
  t.same(seen, [
    [0x80, 0],
    [0, 1],
  ]);
  t.same([...written], [0, 0, 0, 0]);
});

t.test('starve caps what demand says, not what is taken', async (t) => {
  const { seen, a, link } = through({ starve: 0 });
  const demand = watch(a.sink.demand);
  a.sink.write(bytes(1));
  t.same(seen, [[1]]);
  link.aToB.starve(5);
  link.aToB.starve(Number.POSITIVE_INFINITY);
  t.same(demand, [0, 5, 256 * 1024]);
});

t.test('delay and coalesce run in virtual time', async (t) => {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  scheduler.run(({ cold, expectObservable }) => {
    const pair = memoryPair({ aToB: { coalesce: 3, delay: 10 }, bToA: { delay: 2 }, scheduler });
    const [a, b] = pair;
    const text = new TextDecoder();
    b.source.request(100);
    cold('ab---c|').subscribe({
      next: (letter) => a.sink.write(new TextEncoder().encode(letter)),
      complete: () => a.sink.end(),
    });
    const arrivals = new Observable<string>((subscriber) =>
      b.source.bytes.subscribe({
        next: (chunk) => subscriber.next(text.decode(chunk)),
        error: () => subscriber.error('cut'),
        complete: () => subscriber.complete(),
      }),
    );
    // 'a' and 'b' leave as one chunk 3 ms after 'a' and arrive 10 ms later; 'c' at 5 + 3 + 10, and the end behind it.
    expectObservable(arrivals).toBe('13ms x 4ms (c|)', { x: 'ab', c: 'c' });
  });
});

t.test('an abort travels with the delay of its road', async (t) => {
  const scheduler = new TestScheduler((actual, expected) => t.same(actual, expected));
  scheduler.run(({ cold, expectObservable }) => {
    const [a, b] = memoryPair({ aToB: { delay: 5 }, scheduler });
    cold('--x').subscribe(() => a.sink.abort());
    const cut = { name: 'AbortedError' };
    expectObservable(nameOfEnd(a)).toBe('--#', {}, cut);
    expectObservable(nameOfEnd(b)).toBe('-------#', {}, cut);
  });
});

t.test('options that make no sense throw ApiMisuseError', async (t) => {
  const wrong: [unknown, RegExp][] = [
    [{ capcity: 1 }, /capcity is no option/],
    [{ capacity: 0 }, /capacity/],
    [{ aToB: { fragments: 1 } }, /aToB\.fragments is no fault/],
    [{ aToB: { fragment: 0 } }, /aToB\.fragment/],
    [{ bToA: { fragment: [] } }, /bToA\.fragment/],
    [{ bToA: { fragment: 'x' } }, /bToA\.fragment/],
    [{ aToB: { delay: -1 } }, /delay/],
    [{ aToB: { coalesce: Number.NaN } }, /coalesce/],
    [{ aToB: { stallAfter: '1' } }, /stallAfter/],
    [{ aToB: { starve: null } }, /starve/],
    [{ aToB: { cutAfter: { bytes: 1 } } }, /cutAfter\.as/],
    [{ aToB: { cutAfter: { bytes: -1, as: 'end' } } }, /cutAfter\.bytes/],
    [{ aToB: { flip: [{ at: -1 }] } }, /flip\.at/],
    [{ aToB: { flip: [{ at: 0, mask: 0 }] } }, /flip\.mask/],
  ];
  for (const [options, message] of wrong) {
    const error = t.throws(() => Reflect.apply(memoryPair, undefined, [options]), { message });
    t.ok(error instanceof ApiMisuseError, String(message));
  }
});
