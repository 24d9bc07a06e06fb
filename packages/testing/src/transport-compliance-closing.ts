import {
  type Bench,
  type Case,
  check,
  checkBytes,
  pattern,
  pause,
  Reader,
  Watch,
} from './transport-compliance-bench.ts';

const endless = Number.POSITIVE_INFINITY;
const mirrored = ({ a, b, ...rest }: Bench): Bench => ({ a: b, b: a, ...rest });
const bothWays = (name: string, run: (bench: Bench) => Promise<void>): readonly Case[] => [
  [`${name} (a to b)`, run],
  [`${name} (b to a)`, (bench) => run(mirrored(bench))],
];

/** Promises that hold only where one direction can end by itself. */
export const halfCloseCases: readonly Case[] = bothWays(
  'one direction ends and the other goes on until it ends too',
  async ({ until, a, b }) => {
    const [atA, atB] = [new Reader(a, endless), new Reader(b, endless)];
    a.sink.write(pattern(1_000));
    a.sink.end();
    await until(() => atB.finished, 'the end at the other side');
    check(atB.completions === 1 && atB.total === 1_000, `the end came after ${atB.total} bytes of 1000`);
    for (let i = 0; i < 10; i++) {
      b.sink.write(pattern(1_000, i * 1_000));
      await pause(1);
    }
    await until(() => atA.total === 10_000, 'bytes the other way after the end');
    check(!atA.finished, 'the other direction ended as well');
    b.sink.end();
    await until(() => atA.finished, 'the other end');
    check(atA.completions === 1, 'the second end was no clean one');
    checkBytes(atA.bytes, pattern(10_000), 'what came after the half-close');
  },
);

/** Promises of `end` and `abort`. */
export const closingCases: readonly Case[] = [
  ...bothWays('the end comes after the last byte', async ({ until, a, b }) => {
    const size = 1_000_000;
    a.sink.write(pattern(size));
    a.sink.end();
    a.sink.end();
    const reader = new Reader(b, 1, (chunk) => b.source.request(chunk.length));
    await until(() => reader.finished, 'the end');
    check(reader.completions === 1, 'the end was an error');
    checkBytes(reader.bytes, pattern(size), 'what came before the end');
  }),
  [
    'demand is 0 and completes after end',
    async ({ until, a, b }) => {
      const demand = new Watch(a.sink.demand);
      const reader = new Reader(b, endless);
      a.sink.write(pattern(10));
      a.sink.end();
      check(demand.latest === 0, `demand says ${demand.latest} after end`);
      await until(() => demand.completions === 1 && reader.completions === 1, 'demand completes');
      check(demand.errors.length === 0, 'demand errored after a clean end');
    },
  ],
  [
    'a subscriber that comes after the end has been seen gets the end again',
    async ({ until, a, b }) => {
      a.sink.end();
      const first = new Reader(b, endless);
      await until(() => first.completions === 1, 'the end');
      const later = new Reader(b);
      check(later.completions === 1 && later.errors.length === 0, 'the later subscriber got no end');
    },
  ],
  [
    'write after end does nothing and does not throw',
    async ({ until, a, b }) => {
      const reader = new Reader(b, endless);
      a.sink.write(pattern(10));
      a.sink.end();
      a.sink.write(pattern(10));
      await until(() => reader.finished, 'the end');
      a.sink.write(pattern(10));
      await pause(10);
      check(reader.total === 10 && reader.completions === 1, 'a write after end was sent');
    },
  ],
  ...bothWays('an abort is a cut for the other side', async ({ until, a, b, abortShows }) => {
    const reader = new Reader(b, endless);
    const demand = new Watch(b.sink.demand);
    a.sink.write(pattern(10));
    await until(() => reader.total === 10, 'bytes before the abort');
    a.sink.abort(new Error('enough'));
    a.sink.abort();
    await until(() => reader.finished, 'the cut');
    if (!abortShows) return;
    check(reader.errors.length === 1 && reader.completions === 0, 'the cut looked like an end');
    check(reader.errors[0] instanceof Error, 'the cut is no Error');
    await until(() => demand.errors.length === 1, 'demand of the other side errors');
  }),
  ...bothWays('a last word before end and abort arrives', async ({ until, a, b }) => {
    const reader = new Reader(b, endless);
    b.sink.write(pattern(100_000)); // a close with unread bytes would be a reset on many a wire
    await pause(20);
    a.sink.write(pattern(7));
    a.sink.end();
    a.sink.abort(new Error('that was it'));
    await until(() => reader.finished, 'the end');
    checkBytes(reader.bytes, pattern(7), 'the last word');
  }),
  [
    'an abort ends everything on its own side too',
    async ({ a, b }) => {
      const [demand, taken] = [new Watch(a.sink.demand), new Watch(a.sink.taken)];
      const reader = new Reader(a);
      b.sink.write(pattern(10));
      a.sink.abort(new Error('enough'));
      check(reader.errors.length === 1 && reader.total === 0, 'own bytes did not error at once');
      check(demand.errors.length === 1, 'own demand did not error');
      check(taken.completions === 1, 'own taken did not complete');
      const later = new Reader(a, endless);
      check(later.errors.length === 1 && later.total === 0, 'a later subscriber got no error');
      check(new Watch(a.sink.demand).errors.length === 1, 'a later watcher of demand got no error');
      await pause(10);
      check(reader.errors.length === 1 && demand.errors.length === 1, 'an error was told twice');
    },
  ],
  [
    'write, end and request after an abort of either side do nothing and do not throw',
    async ({ until, a, b }) => {
      const reader = new Reader(b, endless);
      a.sink.abort();
      const use = (): void => {
        for (const { sink, source } of [a, b]) {
          sink.write(pattern(100));
          source.request(1);
        }
        a.sink.end();
      };
      use();
      await until(() => reader.finished, 'the cut');
      use();
      b.sink.end();
      b.sink.write(pattern(1));
      await pause(10);
      check(reader.total === 0, 'a write after the abort was sent');
    },
  ],
];
