// Files replaced in every way and any order while they are watched: whatever is emitted stood on disk, all of it side by side, and is
// a pair; and when nothing moves any more, what is on disk has been emitted, or told to be wrong. RXTLS_CREDENTIALS (50) scripts,
// in real time and on a real file system, with the system's events alone or with polling.
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type WatchedFiles, watchFiles, type WatchFilesEvent } from '@rxtls/credentials';
import fc from 'fast-check';
import t from 'tap';
import { authority, issue } from '../../packages/engine-node/test/pki.ts';
import { seed } from './search.ts';

const runs = Number(process.env['RXTLS_CREDENTIALS'] ?? 50);
t.setTimeout(300_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same scripts again`);

const names = ['cert', 'key', 'ca'] as const;
type Name = (typeof names)[number];
type Texts = WatchedFiles<Name>;

const root = authority('root');
const intermediate = authority('intermediate', root);
const leaves = [1, 2].map(() => issue({ issuer: intermediate, dns: ['localhost'] }));
/** The last has the key of the first, as some renew: that a key fits says nothing of the rest. */
const sets: readonly Texts[] = [...leaves, issue({ issuer: intermediate, key: leaves[0]! })].map((leaf, index) => ({
  cert: leaf.pem + intermediate.pem,
  key: leaf.keyPem,
  ca: `authorities of set ${index}\n${root.pem}`,
}));
const isPair = ({ cert, key }: Texts): boolean => new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
async function until(holds: () => boolean, what: () => string): Promise<void> {
  for (const end = performance.now() + 8_000; !holds(); await sleep(2))
    if (performance.now() > end) throw new Error(`never: ${what()}`);
}

/** Three files, and everything that they have ever held together. */
class Disk {
  readonly folder: string;
  readonly paths: Texts;
  readonly stood = new Set<string>();
  #revision = 0;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.paths = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), ca: join(folder, 'ca.crt') };
  }

  /** What they hold now, if they are all there. */
  get now(): Texts | undefined {
    try {
      const [cert, key, ca] = names.map((name) => readFileSync(this.paths[name], 'utf8'));
      return { cert: cert!, key: key!, ca: ca! };
    } catch {
      return undefined; // one of them is missing
    }
  }

  /** To be called after each step of which a reader could see the result. */
  note(): void {
    const { now } = this;
    if (now !== undefined) this.stood.add(JSON.stringify(now));
  }

  async inPieces(name: Name, text: string, pieces: number, pause: number): Promise<void> {
    this.#clear(name);
    const file = openSync(this.paths[name], 'w');
    this.note();
    for (let piece = 0; piece < pieces; piece++) {
      const at = (share: number): number => Math.floor((text.length * share) / pieces);
      writeSync(file, text.slice(at(piece), at(piece + 1)));
      this.note();
      if (pause > 0) await sleep(pause);
    }
    closeSync(file);
  }

  rename(name: Name, text: string): void {
    this.#clear(name);
    const beside = join(this.folder, `.new-${++this.#revision}`);
    const file = openSync(beside, 'w');
    writeSync(file, text);
    closeSync(file);
    renameSync(beside, this.paths[name]);
    this.note();
  }

  /** A folder in the place of a file is the one thing that nothing can be renamed over. */
  #clear(name: Name): void {
    mkdirSync(this.folder, { recursive: true });
    const path = this.paths[name];
    if (existsSync(path) && lstatSync(path).isDirectory()) rmSync(path, { recursive: true });
    else if (!existsSync(path)) rmSync(path, { force: true }); // a link to nowhere
  }

  remove(name: Name): void {
    rmSync(this.paths[name], { recursive: true, force: true });
    this.note();
  }

  blockBy(name: Name): void {
    this.remove(name);
    mkdirSync(this.paths[name], { recursive: true });
  }

  removeFolder(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** All three at once, by turning `..data`; the files become links through it if they are none. */
  turn(texts: Texts): void {
    mkdirSync(this.folder, { recursive: true });
    const revision = `..${++this.#revision}`;
    mkdirSync(join(this.folder, revision));
    for (const name of names) {
      const file = openSync(join(this.folder, revision, this.paths[name].slice(this.folder.length + 1)), 'w');
      writeSync(file, texts[name]);
      closeSync(file);
    }
    this.#link(revision, '..data');
    for (const name of names) {
      const file = this.paths[name].slice(this.folder.length + 1);
      if (!existsSync(this.paths[name]) || !lstatSync(this.paths[name]).isSymbolicLink()) {
        this.#clear(name);
        this.#link(join('..data', file), file);
      }
    }
  }

  #link(target: string, name: string): void {
    const beside = `${join(this.folder, name)}.link`;
    symlinkSync(target, beside);
    renameSync(beside, join(this.folder, name));
    this.note();
  }
}

type Step = (disk: Disk) => void | Promise<void>;
const step = (title: string, run: Step): Step => Object.assign(run, { toString: () => title });

const name = fc.constantFrom(...names);
const set = fc.nat(sets.length - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(name, set)
      .map(([name, index]) => step(`rename ${name} ${index}`, (disk) => disk.rename(name, sets[index]![name]))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(name, set, fc.integer({ min: 1, max: 5 }), fc.constantFrom(0, 1, 4, 15))
      .map(([name, index, pieces, pause]) =>
        step(`write ${name} ${index} in ${pieces} pieces, ${pause} ms`, (disk) =>
          disk.inPieces(name, sets[index]![name], pieces, pause),
        ),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(set, set)
      .map(([index, key]) =>
        step(`turn to ${index}, key ${key}`, (disk) => disk.turn({ ...sets[index]!, key: sets[key]!.key })),
      ),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(set, fc.shuffledSubarray([...names], { minLength: 3 }), fc.constantFrom(0, 1, 12))
      .map(([index, order, pause]) =>
        step(`renew ${index}: ${order.join()}, ${pause} ms`, async (disk) => {
          for (const name of order) {
            disk.rename(name, sets[index]![name]);
            await sleep(pause);
          }
        }),
      ),
  },
  { weight: 1, arbitrary: name.map((name) => step(`remove ${name}`, (disk) => disk.remove(name))) },
  { weight: 1, arbitrary: name.map((name) => step(`a folder for ${name}`, (disk) => disk.blockBy(name))) },
  { weight: 1, arbitrary: name.map((name) => step(`garbage in ${name}`, (disk) => disk.rename(name, 'no PEM'))) },
  { weight: 1, arbitrary: name.map((name) => step(`large ${name}`, (disk) => disk.rename(name, 'x'.repeat(20_000)))) },
  { weight: 1, arbitrary: fc.constant(step('remove the folder', (disk) => disk.removeFolder())) },
  { weight: 3, arbitrary: fc.constantFrom(0, 5, 40, 120).map((pause) => step(`${pause} ms`, () => sleep(pause))) },
);

interface Script {
  readonly steps: readonly Step[];
  readonly poll: number;
  readonly settle: number;
  readonly first: number | null;
}
const scripts: fc.Arbitrary<Script> = fc.record({
  steps: fc.array(steps, { minLength: 1, maxLength: 14 }),
  poll: fc.constantFrom(600_000, 600_000, 30),
  /** What is there when the watch begins. */
  first: fc.option(set),
  settle: fc.constantFrom(4, 8, 25),
});

const seen = { emissions: 0, good: 0, bad: 0 };

async function run(folder: string, { steps, poll, settle, first }: Script): Promise<void> {
  const disk = new Disk(folder);
  if (first !== null) disk.turn(sets[first]!);
  const emitted: Texts[] = [];
  const events: WatchFilesEvent[] = [];
  let error: unknown;
  const subscription = watchFiles(disk.paths, {
    poll,
    settle,
    patience: 60,
    firstTimeout: Number.POSITIVE_INFINITY,
    maxBytes: 16_384,
    events: { next: (event) => events.push(event) },
  }).subscribe({ next: (texts) => emitted.push(texts), error: (failure: unknown) => (error = failure) });
  try {
    if (first !== null)
      await until(
        () => emitted.length > 0,
        () => 'the first set',
      );
    for (const each of steps) await each(disk);
    const last = disk.now;
    const isWhole = last !== undefined && names.every((name) => sets.some((each) => each[name] === last[name]));
    if (isWhole && isPair(last)) {
      seen.good++;
      await until(
        () => JSON.stringify(emitted.at(-1)) === JSON.stringify(last),
        () => `what is on disk is emitted; told: ${JSON.stringify(events)}`,
      );
    } else {
      seen.bad++;
      const state = (): WatchFilesEvent | undefined => events.filter(({ type }) => type !== 'expiring').at(-1);
      await until(
        () => state()?.type === 'rejected',
        () => `it is told that ${JSON.stringify(last)} is wrong; told: ${JSON.stringify(events)}`,
      );
    }
    const count = emitted.length;
    await sleep(settle * 3);
    assert.equal(emitted.length, count, 'nothing more comes when nothing moves');
  } finally {
    subscription.unsubscribe();
  }
  assert.equal(error, undefined);
  emitted.forEach((texts, index) => {
    assert.ok(isPair(texts), 'what is emitted is a pair');
    assert.ok(disk.stood.has(JSON.stringify(texts)), 'all of it stood on disk at one time');
    assert.notDeepEqual(texts, emitted[index - 1], 'and is another than the last');
  });
  assert.equal(events.filter(({ type }) => type === 'loaded').length, emitted.length);
  const told = JSON.stringify(events);
  for (const { key } of sets) assert.ok(!told.includes(key.split('\n')[1]!), 'no event quotes a key');
  seen.emissions += emitted.length;
}

await t.test(
  'any replacing of files: what is emitted is a pair that stood on disk, and what is left at the end is emitted or told',
  async (t) => {
    const folder = t.testdir({});
    let count = 0;
    await fc.assert(
      fc.asyncProperty(scripts, (script) => run(join(folder, `${count++}`), script)),
      { seed, numRuns: runs, endOnFailure: false, interruptAfterTimeLimit: 200_000 },
    );
    t.ok(
      seen.emissions > 0 && seen.good > 0 && seen.bad > 0,
      `${seen.emissions} sets; ${seen.good} scripts end well, ${seen.bad} do not`,
    );
  },
);
