// What a watch holds, and how long: time, timers, watches of the system, files, the process.
import { spawn } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { watchFiles } from '@rxtls/credentials';
import {
  firstValueFrom,
  type SchedulerAction,
  type SchedulerLike,
  shareReplay,
  Subject,
  Subscription,
  switchMap,
  take,
} from 'rxjs';
import t, { type Test } from 'tap';
import { inPieces, newPair, quick, rename, sleep, until, watched } from './watched.ts';

t.setTimeout(120_000);
const day = 24 * 3_600_000;

function place(t: Test, pair = newPair()) {
  const folder = t.testdir({ 'tls.crt': pair.cert, 'tls.key': pair.key });
  return { folder, pair, paths: { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') } };
}

/** Time that passes when it is told to. */
class Clock implements SchedulerLike {
  #now: number;
  readonly #due = new Set<{ readonly at: number; readonly run: () => void }>();

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  get pending(): readonly number[] {
    return [...this.#due].map(({ at }) => at - this.#now).sort((a, b) => a - b);
  }

  schedule<T>(work: (this: SchedulerAction<T>, state?: T) => void, delay = 0, state?: T): Subscription {
    const due = {
      at: this.#now + delay,
      run: () => work.call(undefined as unknown as SchedulerAction<T>, state),
    };
    this.#due.add(due);
    return new Subscription(() => this.#due.delete(due));
  }

  /** Passes some time; what is due in it runs in its order. A look takes real time, so at most one of them is done. */
  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const next = [...this.#due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#due.delete(next);
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}

/** A watch without events of the system (its files change only while no watch looks at them), in virtual time. */
function virtual(t: Test, options: Parameters<typeof watchFiles>[1] = {}, pair = newPair()) {
  const { paths } = place(t, pair);
  const clock = new Clock(Date.now());
  const log = watched(t, paths, {
    settle: 100,
    patience: 5_000,
    poll: 30_000,
    scheduler: clock,
    ...options,
    events: { next: (event) => log.events.push(event) },
  });
  /** Lets the look that is under way end; then the next one is scheduled. */
  const looked = (timers: number): Promise<void> =>
    until(() => clock.pending.length === timers, `${timers} timers, not ${clock.pending.join()}`);
  return { paths, clock, log, looked, pair };
}

await t.test("time is the scheduler's: two looks, then polls; nothing pending afterwards", async (t) => {
  const { clock, log, looked, pair } = virtual(t);
  await looked(2);
  t.same(clock.pending, [100, 10_000], 'the second look, and the time for the first set');
  t.same(log.sets, [], 'one look proves nothing');
  clock.pass(99);
  await sleep(20);
  t.same(log.sets, []);
  clock.pass(1);
  t.same(await log.emission(1), pair);
  t.same(clock.pending, [30_000], 'the poll');
  for (let round = 0; round < 3; round++) {
    clock.pass(30_000);
    await looked(1);
    t.same(clock.pending, [30_000]);
  }
  log.stop();
  t.same(clock.pending, []);
  t.equal(log.sets.length, 1);
});

await t.test('two looks are never less than settle apart, however short poll is', async (t) => {
  const { clock, log, looked, paths } = virtual(t, { settle: 100, poll: 10 });
  await looked(2);
  clock.pass(100);
  await log.emission(1);
  t.same(clock.pending, [100]);
  rename(paths.key, newPair().key);
  for (let look = 0; look < 3; look++) {
    clock.pass(100);
    await looked(1);
    t.same(clock.pending, [100]);
  }
  log.stop();
});

await t.test(
  'the default times: 10 s for the first set, 5 s of patience, a look a second while something is wrong',
  async (t) => {
    const { clock, log, looked, paths } = virtual(t, {});
    await looked(2);
    clock.pass(100);
    await log.emission(1);
    unlinkSync(paths.key);
    await sleep(50); // the system's event
    clock.pass(100);
    await looked(1);
    clock.pass(100);
    await looked(1);
    let looks = 0;
    for (; log.faults().length === 0 && looks < 10; looks++) {
      t.ok(clock.pending[0]! <= 1_000, `the next look is in ${clock.pending.join()} ms`);
      clock.pass(clock.pending[0]!);
      await looked(1);
    }
    t.same(log.faults(), ['missing']);
    t.ok(looks >= 4 && looks <= 6, `${looks} looks in 5 s`);
    log.stop();
    const { cert } = newPair();
    const bad = virtual(t, {}, { cert, key: newPair().key });
    await bad.looked(2);
    for (let left = 10_000; left > 0; left -= 100) {
      t.equal(bad.log.error, undefined);
      bad.clock.pass(100);
      await sleep(1);
      await until(() => bad.log.error !== undefined || bad.clock.pending.length === 2, 'a look');
    }
    t.match(bad.log.error, { name: 'CredentialsUnavailableError', message: /within 10000 ms/ });
    t.same(bad.clock.pending, [], 'nothing is left');
  },
);

await t.test(
  'a certificate that comes into force while it waits, and one that runs out while it is watched',
  async (t) => {
    const now = Date.now();
    const early = virtual(t, { firstTimeout: Infinity }, newPair({ from: now + 60_000, to: now + 90 * day }));
    await early.looked(1);
    early.clock.pass(100);
    await until(() => early.log.faults().length === 1, 'the complaint');
    t.same(early.log.faults(), ['not-yet-valid']);
    for (let seconds = 0; seconds < 62 && early.log.sets.length === 0; seconds++) {
      await early.looked(1);
      early.clock.pass(1_000);
    }
    t.same(await early.log.emission(1), early.pair);
    t.same(early.log.faults(), ['not-yet-valid'], 'told once');
    early.log.stop();

    const late = virtual(t, { poll: day / 2 }, newPair({ from: now - day, to: now + 10 * day }));
    await late.looked(2);
    late.clock.pass(100);
    await late.log.emission(1);
    const told: number[] = [];
    for (let half = 0; half < 24; half++) {
      await late.looked(1);
      const before = late.log.events.length;
      late.clock.pass(day / 2);
      await late.looked(1);
      if (late.log.events.length > before) told.push((half + 1) / 2);
    }
    t.match(late.log.events.slice(1), [
      { type: 'expiring', expired: false },
      { type: 'expiring', expired: true },
    ]);
    t.equal(late.log.events.length, 3, 'each once');
    // A certificate's times are whole seconds, so half a day too early at most: days 6.5 to 7, and 10.5.
    t.ok(told[0]! >= 6 && told[0]! <= 7.5 && told[1]! >= 10 && told[1]! <= 10.5, `told on the days ${told.join()}`);
    t.equal(late.log.sets.length, 1, 'and it is the last good one still');
  },
);

await t.test(
  'another folder under the same name, without a word of the system: found by a poll, and watched from then on',
  async (t) => {
    const folder = t.testdir({ above: { tls: {} } });
    const at = (...names: string[]): string => join(folder, 'above', ...names);
    const put = (pair: { cert: string; key: string }): typeof pair => {
      writeFileSync(at('tls', 'tls.crt'), pair.cert);
      writeFileSync(at('tls', 'tls.key'), pair.key);
      return pair;
    };
    put(newPair());
    const clock = new Clock(Date.now());
    const log = watched(
      t,
      { cert: at('tls', 'tls.crt'), key: at('tls', 'tls.key') },
      { settle: 100, poll: 30_000, scheduler: clock },
    );
    /** Two looks. */
    const seen = async (count: number): Promise<void> => {
      await until(() => clock.pending[0]! <= 100, 'the time of the second look');
      clock.pass(100);
      await log.emission(count);
      await until(() => clock.pending.length === 1, 'the time of the poll');
    };
    await seen(1);
    renameSync(at(), `${at()}.old`);
    mkdirSync(at('tls'), { recursive: true });
    const second = put(newPair());
    await sleep(50);
    t.same(clock.pending, [30_000], 'nobody has told');
    clock.pass(30_000);
    await seen(2);
    t.same(log.sets[1], second);
    const third = put(newPair());
    await until(() => clock.pending[0]! <= 100, 'the event, from the new folder');
    clock.pass(100);
    await seen(3);
    t.same(log.sets[2], third);
  },
);

/** The descriptors of this process whose name matches. */
const descriptors = (name: RegExp): string[] =>
  readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return name.test(readlinkSync(`/proc/self/fd/${descriptor}`));
    } catch {
      return false; // the one of this very listing
    }
  });
/** Folders that the system tells this process of. */
const systemWatches = (): number =>
  descriptors(/inotify/)
    .map((descriptor) => readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8').split('inotify wd:').length - 1)
    .reduce((sum, count) => sum + count, 0);

/** Node's timers that are set, also those it would not stay alive for. */
function countTimers(t: Test): () => number {
  const { setTimeout, clearTimeout } = globalThis;
  const live = new Set<unknown>();
  globalThis.setTimeout = ((run: () => void, delay?: number) => {
    const timer = setTimeout(() => {
      live.delete(timer);
      run();
    }, delay);
    live.add(timer);
    return timer;
  }) as typeof setTimeout;
  globalThis.clearTimeout = ((timer: NodeJS.Timeout) => {
    live.delete(timer);
    clearTimeout(timer);
  }) as typeof clearTimeout;
  t.teardown(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  return () => live.size;
}

await t.test(
  'unsubscribed at any moment: no timer, no watch, no open file, no later word',
  { skip: process.platform !== 'linux' && 'reads /proc' },
  async (t) => {
    const { paths } = place(t);
    const timers = countTimers(t);
    let emitted = 0;
    const one = watchFiles(paths, quick).subscribe();
    await until(() => systemWatches() === 1 && timers() > 0, 'these counts are of what they say');
    one.unsubscribe();
    for (let moment = 0; moment < 60; moment++) {
      let over = false;
      const late: unknown[] = [];
      const say = (what: unknown): void => void (over && late.push(what));
      const subscription = watchFiles(paths, { ...quick, events: { next: say } }).subscribe({
        next: (set) => (emitted++, say(set)),
        error: say,
      });
      if (moment % 3 === 0) {
        const next = newPair();
        rename(paths.cert, next.cert);
        rename(paths.key, next.key);
      }
      if (moment % 7 === 0) void inPieces(paths.key, newPair().key, 3, 1);
      await sleep(moment);
      subscription.unsubscribe();
      over = true;
      t.equal(systemWatches(), 0, `after ${moment} ms`);
      if (moment % 7 !== 0) t.equal(timers(), 0);
      await sleep(10);
      // At once: the collector closes what is forgotten, too.
      await until(() => descriptors(/tls\.(crt|key)/).length === 0, 'every file is closed', 500);
      t.same(late, []);
    }
    t.equal(systemWatches(), 0);
    rename(paths.cert, 'x');
    const pair = newPair();
    writeFileSync(paths.cert, pair.cert);
    writeFileSync(paths.key, pair.key);
    t.same(await firstValueFrom(watchFiles(paths, quick)), pair);
    t.ok(emitted > 5, `${emitted} sets`);
  },
);

await t.test(
  'subscribed when it was unsubscribed already: nothing is looked at, and no timer holds the process',
  async (t) => {
    const { paths } = place(t);
    const timers = countTimers(t);
    const { open } = fs.promises;
    let opened = 0;
    fs.promises.open = (...input) => (opened++, open(...input));
    syncBuiltinESMExports();
    t.teardown(() => {
      fs.promises.open = open;
      syncBuiltinESMExports();
    });
    const go = new Subject<void>();
    const subscription = go
      .pipe(
        switchMap(() => {
          subscription.unsubscribe();
          return watchFiles(paths, quick);
        }),
      )
      .subscribe();
    go.next();
    t.equal(timers(), 0);
    await sleep(100);
    t.same([timers(), opened], [0, 0]);
  },
);

await t.test('settle is the least time between two looks, also where poll is less', async (t) => {
  const { clock, looked, log } = virtual(t, { poll: 1, settle: 100 });
  await looked(2);
  clock.pass(100);
  await log.emission(1);
  await looked(1);
  t.same(clock.pending, [100]);
  const bad = virtual(t, { settle: 5_000, patience: 0 }, { ...newPair(), key: newPair().key });
  await bad.looked(2);
  bad.clock.pass(5_000);
  await until(() => bad.log.faults().length === 1, 'the complaint');
  await bad.looked(2);
  t.same(bad.clock.pending, [5_000, 5_000], 'the next look, and the time for the first set');
});

await t.test('a hundred subscribers, each with a watch of its own; unsubscribing within next', async (t) => {
  const { paths, pair } = place(t);
  const files = watchFiles(paths, quick);
  const sets = await Promise.all(Array.from({ length: 100 }, () => firstValueFrom(files.pipe(take(1)))));
  t.ok(sets.every(({ cert, key }) => cert === pair.cert && key === pair.key));
  if (process.platform === 'linux') t.equal(systemWatches(), 0);
});

await t.test(
  'shared by several as the README has it: one watch, and who comes late gets the last good set',
  async (t) => {
    const { paths, pair } = place(t);
    const told: string[] = [];
    const files = watchFiles(paths, { ...quick, events: { next: ({ type }) => told.push(type) } }).pipe(
      shareReplay({ bufferSize: 1, refCount: true }),
    );
    const sets: unknown[] = [];
    const early = files.subscribe((set) => sets.push(set));
    await until(() => sets.length === 1, 'the set');
    const late = files.subscribe((set) => sets.push(set));
    t.same(sets, [pair, pair], 'at once');
    t.same(told, ['loaded']);
    early.unsubscribe();
    const next = newPair();
    rename(paths.cert, next.cert);
    rename(paths.key, next.key);
    await until(() => sets.length === 3, 'the renewal');
    t.same(sets[2], next);
    late.unsubscribe();
    if (process.platform === 'linux') t.equal(systemWatches(), 0);
  },
);

/** A program that watches `folder`, in a process of its own. */
function program(folder: string, options: string): Promise<{ code: number | null; out: string; ms: number }> {
  const source = `
    import { watchFiles } from '@rxtls/credentials';
    watchFiles({ cert: ${JSON.stringify(join(folder, 'tls.crt'))}, key: ${JSON.stringify(join(folder, 'tls.key'))} }, ${options})
      .subscribe({ next: () => console.log('a set'), error: (error) => console.log(error.name) });`;
  const start = performance.now();
  const child = spawn(
    process.execPath,
    ['--conditions=rxtls:source', '--import', '@oxc-node/core/register', '--input-type=module', '-e', source],
    { cwd: join(import.meta.dirname, '..'), stdio: ['ignore', 'pipe', 'inherit'], timeout: 20_000 },
  );
  let out = '';
  child.stdout.on('data', (bytes) => {
    out += String(bytes);
    if (options.includes('keepAlive')) setTimeout(() => child.kill('SIGTERM'), 1_000);
  });
  return new Promise((resolve) => child.on('exit', (code) => resolve({ code, out, ms: performance.now() - start })));
}

await t.test(
  'a process is kept alive until the first set, or the error, and no longer; with keepAlive as long as it is subscribed',
  async (t) => {
    const { folder } = place(t);
    t.match(await program(folder, '{ settle: 500 }'), { code: 0, out: 'a set\n' }, 'ended by itself');
    t.match(
      await program(folder, '{ settle: 500, firstTimeout: Infinity }'),
      { code: 0, out: 'a set\n' },
      'without an end',
    );
    t.match(await program(folder, '{ keepAlive: true }'), { code: null, out: 'a set\n' }, 'had to be killed');
    rmSync(join(folder, 'tls.key'));
    mkdirSync(join(folder, 'tls.key'));
    t.match(
      await program(folder, '{ firstTimeout: 800 }'),
      { code: 0, out: 'CredentialsUnavailableError\n' },
      'the error',
    );
  },
);
