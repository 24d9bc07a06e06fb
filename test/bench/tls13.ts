// What our own TLS 1.3 costs: engine to engine in memory beside the bare calls of node:crypto, and over loopback TCP beside
// node:tls, once with the engine driven by hand on a socket and once through core and transport-tcp.
//
//   node --conditions=rxtls:source --import @oxc-node/core/register test/bench/tls13.ts [launches] [work,…] [subject,…]
//
// Both ends of a subject live in one process of its own (X25519, a P-256 chain, TLS_AES_128_GCM_SHA256). A round asks each in
// turn for the same work, and back the other way the next time; what is compared is user and system CPU time of that process,
// all threads, after a warm-up. How fast a process is differs from one launch to the next by a factor of two (bulk above all),
// and rounds within a launch all share that luck: so the subjects are launched again and again, each launch gives one ratio (the
// median of its rounds), and printed are the median of the launches, above 1 where ours takes less, and their least and
// greatest. Two versions whose ranges overlap much are not told apart. `engine / bare` above 1 cannot be: it says that there were
// too few launches, or that the machine was too busy.
//
//   engine / bare   bulk: seal and open of the same bytes. full, resumed: the key exchange, signature, and verifications of one
//                   handshake, nothing else: the floor, which no engine on these calls can be under.
//   socket / tls    bulk, full, resumed, echo: the engine's own cost.
//   core / tls      the same with the stage and the transport.
//
// To see where the time goes: node --cpu-prof … test/bench/tls13/subject.ts engine full 2000
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const names = ['bare', 'engine', 'tls', 'socket', 'core'] as const;
type Name = (typeof names)[number];
/** How much of it is done in a round. */
const counts = { 'bulk 16 KiB': 4_096, 'bulk 64 KiB': 1_024, full: 200, resumed: 200, echo: 4_000 } as const;
type Work = keyof typeof counts;
/** Rounds of a launch, after those that warm it up. */
const [warming, rounds] = [4, 5] as const;
const pairs: readonly (readonly [Name, Name])[] = [
  ['engine', 'bare'],
  ['socket', 'tls'],
  ['core', 'tls'],
];

const launches = Number(process.argv[2] ?? 9);
const listed = <T extends string>(given: string | undefined, all: readonly T[]): readonly T[] =>
  given === undefined ? all : all.filter((each) => given.split(',').includes(each));
const works = listed(process.argv[3], Object.keys(counts) as Work[]);
const subjects = listed(process.argv[4], names);

interface Started {
  readonly name: Name;
  readonly child: ChildProcess;
  readonly cpu: number[];
}

const start = (name: Name): Started => ({
  name,
  child: fork(fileURLToPath(new URL('./tls13/subject.ts', import.meta.url)), [name]),
  cpu: [],
});

/** CPU milliseconds of one subject for one work; undefined where it has none of it. */
async function ask(child: ChildProcess, work: Work): Promise<number | undefined> {
  const answer = once(child, 'message');
  child.send({ work, count: counts[work] });
  const [{ cpu }] = (await answer) as [{ cpu?: number }];
  return cpu;
}

const ordered = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]): number => ordered(values)[values.length >> 1] ?? Number.NaN;

/** Each subject's CPU times in rounds of one launch. */
async function launch(work: Work): Promise<readonly Started[]> {
  const started = subjects.map(start);
  const backwards = [...started].reverse();
  for (let round = 0; round < warming + rounds; round++)
    for (const { child, cpu } of round % 2 === 0 ? started : backwards) {
      const taken = await ask(child, work);
      if (taken !== undefined && round >= warming) cpu.push(taken);
    }
  for (const { child } of started) child.disconnect();
  return started;
}

for (const work of works) {
  const ratios = new Map(pairs.map((pair) => [pair, [] as number[]]));
  for (let n = 0; n < launches; n++) {
    const started = await launch(work);
    const cpuOf = (name: Name): readonly number[] => started.find((each) => each.name === name)?.cpu ?? [];
    for (const [[ours, theirs], values] of ratios) {
      const [mine, other] = [cpuOf(ours), cpuOf(theirs)];
      if (mine.length > 0 && other.length > 0) values.push(median(mine.map((cpu, round) => other[round]! / cpu)));
    }
  }
  for (const [[ours, theirs], values] of ratios) {
    if (values.length === 0) continue;
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const pair = `${ours} / ${theirs}`.padEnd(14);
    const range = `${least.toFixed(2)} to ${most.toFixed(2)}, ${values.length} launches`;
    process.stdout.write(`${work.padEnd(12)} ${pair} ${median(values).toFixed(2)}  (${range})\n`);
  }
}
