import { type Case, check, checkBytes, pattern, pause, Reader, Watch } from './transport-compliance-bench.ts';

const endless = Number.POSITIVE_INFINITY;

/** A message of the game of writes from inside emissions: the number of its round. */
function ball(round: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, round);
  return bytes;
}

function roundOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** Promises that hold only where a reader that does not read holds the writer up. */
export const backPressureCases: readonly Case[] = [
  [
    'a producer that follows demand stays bounded against a reader that does not read, and nothing is lost',
    async ({ until, a, b, bound }) => {
      const reader = new Reader(b, 1); // reads one chunk and then no more
      let written = 0;
      const state = { room: 0 };
      let writing = false;
      const fill = (): void => {
        if (writing) return;
        writing = true;
        while (state.room > 0 && written < 2 * bound) {
          const size = Math.min(state.room, 64 * 1024);
          const at = written;
          written += size;
          a.sink.write(pattern(size, at));
        }
        writing = false;
      };
      a.sink.demand.subscribe({
        next: (demand) => {
          state.room = demand;
          fill();
        },
        error: () => {}, // the pair is closed while bytes are on their way
      });
      for (let before = -1; before !== written; ) {
        before = written;
        await pause(100);
      }
      check(written <= bound, `${written} bytes went to a reader that does not read`);
      check(state.room === 0, `demand is ${state.room} although nothing moves`);
      const stopped = written;
      reader.subscription.unsubscribe();
      let read = reader.total;
      const rest = new Reader(b, endless, (chunk) => {
        if (read < 100_000) checkBytes(chunk, pattern(chunk.length, read), 'what was read');
        read += chunk.length;
      });
      await until(() => written > stopped, 'demand comes back when the reader reads');
      await until(() => rest.total > 0 && read >= stopped, 'everything that waited is read');
    },
  ],
];

/** Promises of `write`, `demand` and `taken`. */
export const writingCases: readonly Case[] = [
  ...[1, 7, 1_000, 16_384, 300_000].map(
    (size): Case => [
      `order and content hold both ways in chunks of ${size} bytes`,
      async ({ until, a, b }) => {
        const total = Math.min(size * 300, 600_000);
        const [atA, atB] = [new Reader(a, endless), new Reader(b, endless)];
        for (let at = 0; at < total; at += size) {
          a.sink.write(pattern(Math.min(size, total - at), at));
          b.sink.write(pattern(Math.min(size, total - at), at + 12_345));
        }
        await until(() => atA.total >= total && atB.total >= total, 'all bytes at both ends');
        checkBytes(atB.bytes, pattern(total), 'from a to b');
        checkBytes(atA.bytes, pattern(total, 12_345), 'from b to a');
      },
    ],
  ),
  [
    'a write without bytes changes nothing',
    async ({ until, a, b }) => {
      const reader = new Reader(b, endless);
      a.sink.write(new Uint8Array(0));
      a.sink.write(pattern(3));
      a.sink.write(new Uint8Array(0));
      await until(() => reader.total === 3, 'three bytes');
      check(
        reader.chunks.every((chunk) => chunk.length > 0),
        'a chunk without bytes was emitted',
      );
    },
  ],
  [
    'demand is replayed, is already lowered when write returns, and says each level once',
    async ({ a }) => {
      const demand = new Watch(a.sink.demand);
      const taken = new Watch(a.sink.taken);
      const first = demand.latest;
      check(first > 0, 'demand was not replayed on subscribe, or is 0 on an idle connection');
      for (let written = 1_000; written <= 10_000; written += 1_000) {
        a.sink.write(pattern(1_000));
        const most = Math.max(0, first - (written - taken.latest));
        check(demand.latest <= most, `demand says ${demand.latest}, at most ${most} bytes are free`);
        check(new Watch(a.sink.demand).latest === demand.latest, 'a later subscriber of demand sees another level');
      }
      await pause(20);
      const repeated = demand.values.find((value, index) => index > 0 && value === demand.values[index - 1]);
      check(repeated === undefined, `demand said ${repeated} twice in a row`);
      check(
        demand.values.every((value) => value >= 0),
        'demand was negative',
      );
    },
  ],
  [
    'what is written past demand is taken all the same',
    async ({ until, a, b }) => {
      const demand = new Watch(a.sink.demand);
      const total = Math.min(demand.latest * 3, 3 * 1024 * 1024);
      for (let at = 0; at < total; at += 64 * 1024) a.sink.write(pattern(Math.min(64 * 1024, total - at), at));
      const reader = new Reader(b, endless);
      await until(() => reader.total === total, 'all bytes');
      checkBytes(reader.bytes, pattern(total), 'what was read');
      await until(() => demand.latest === demand.values[0], 'demand is back where it was');
    },
  ],
  [
    'taken is replayed, only grows and reaches everything that was written',
    async ({ until, a, b }) => {
      const taken = new Watch(a.sink.taken);
      check(taken.latest === 0, 'taken does not start at 0');
      const reader = new Reader(b, endless);
      for (let i = 0; i < 100; i++) a.sink.write(pattern(1_000));
      await until(() => reader.total === 100_000 && taken.latest === 100_000, 'taken reaches what was written');
      check(
        taken.values.every((value, index) => index === 0 || value > taken.values[index - 1]!),
        'taken went back, or said a value twice',
      );
      check(taken.completions === 0, 'taken completed before end or abort');
      check(new Watch(a.sink.taken).latest === 100_000, 'taken is not replayed');
      a.sink.end();
      await until(() => taken.completions === 1, 'taken completes after end');
      check(taken.latest === 100_000, 'taken changed at the end');
    },
  ],
  [
    'what is read again after unread is not taken twice',
    async ({ until, a, b }) => {
      const taken = new Watch(a.sink.taken);
      let once = true;
      const reader = new Reader(b, endless, (chunk) => {
        if (once) b.unread(chunk);
        once = false;
      });
      a.sink.write(pattern(100));
      a.sink.write(pattern(100));
      await until(() => reader.total >= 300 || (reader.total > 200 && taken.latest === 200), 'bytes read twice');
      await pause(10);
      check(taken.latest === 200, `taken says ${taken.latest} of 200`);
    },
  ],
  [
    'a write from inside an emission keeps its place, however long the game goes on',
    async ({ until, a, b }) => {
      const rounds = 2_000;
      let last = 0;
      const play = (end: typeof a) => {
        let held = new Uint8Array(0);
        return (chunk: Uint8Array): void => {
          held = Uint8Array.from([...held, ...chunk]);
          for (; held.length >= 4; held = held.slice(4)) {
            const round = roundOf(held);
            check(round === last + 1, `round ${round} came after ${last}`);
            last = round;
            if (round < rounds) end.sink.write(ball(round + 1));
          }
        };
      };
      const readers = [new Reader(a, endless, play(a)), new Reader(b, endless, play(b))];
      a.sink.write(ball(1));
      await until(() => readers.every((reader) => reader.total > 0) && last === rounds, `round ${rounds}`);
      check(
        readers.every((reader) => reader.errors.length === 0),
        'a reader failed',
      );
    },
  ],
];
