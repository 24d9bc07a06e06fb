// What our own TLS 1.3 costs: engine to engine in memory beside the bare calls of node:crypto, and over loopback TCP beside
// node:tls, once with the engine driven by hand on a socket and once through core and transport-tcp.
//
//   node --conditions=rxtls:source --import @oxc-node/core/register test/bench/tls13.ts [rounds] [work,…] [subject,…]
//
// Both ends of a subject live in one process of its own (X25519, a P-256 chain, TLS_AES_128_GCM_SHA256). A round asks each in
// turn for the same work, and back the other way the next time; what is compared is user and system CPU time of that process,
// all threads. Printed are medians over the rounds of the ratio within a round, above 1 where ours takes less, with the
// quartiles: on a shared machine no other number means anything. Every subject warms up first.
//
//   engine / bare   bulk: seal and open of the same bytes. full, resumed: the key exchange, signature, and verifications of one
//                   handshake, nothing else: the floor, which no engine on these calls can be under.
//   socket / tls    bulk, full, resumed, echo: the engine's own cost.
//   core / tls      the same with the stage and the transport.
//
// To see where the time goes: node --cpu-prof … test/bench/tls13/subject.ts engine full 2000
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const names = ['bare', 'engine', 'tls', 'socket', 'core'] as const;
type Name = (typeof names)[number];
/** How much of it is done in a round. */
const counts = { 'bulk 16 KiB': 4_096, 'bulk 64 KiB': 1_024, full: 200, resumed: 200, echo: 4_000 } as const;
type Work = keyof typeof counts;
const pairs: readonly (readonly [Name, Name])[] = [
  ['engine', 'bare'],
  ['socket', 'tls'],
  ['core', 'tls'],
];

const rounds = Number(process.argv[2] ?? 21);
const listed = <T extends string>(given: string | undefined, all: readonly T[]): readonly T[] =>
  given === undefined ? all : all.filter((each) => given.split(',').includes(each));
const works = listed(process.argv[3], Object.keys(counts) as Work[]);
const subjects = listed(process.argv[4], names);

const started = subjects.map((name) => {
  const child = fork(fileURLToPath(new URL('./tls13/subject.ts', import.meta.url)), [name]);
  return { name, child };
});

const backwards = [...started].reverse();

/** CPU milliseconds of one subject for one work; undefined where it has none of it. */
async function ask({ child }: (typeof started)[number], work: Work, count: number): Promise<number | undefined> {
  const answer = once(child, 'message');
  child.send({ work, count });
  const [{ cpu }] = (await answer) as [{ cpu?: number }];
  return cpu;
}

const at = (values: number[], share: number): string => {
  const ordered = [...values].sort((a, b) => a - b);
  return (ordered[Math.floor((ordered.length - 1) * share)] ?? Number.NaN).toFixed(2);
};

for (const work of works) {
  for (const subject of started) for (let n = 0; n < 4; n++) await ask(subject, work, counts[work]);
  const ratios = new Map(pairs.map((pair) => [pair, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    const cpu = new Map<Name, number | undefined>();
    for (const subject of round % 2 === 0 ? started : backwards)
      cpu.set(subject.name, await ask(subject, work, counts[work]));
    for (const [pair, values] of ratios) {
      const [ours, theirs] = [cpu.get(pair[0]), cpu.get(pair[1])];
      if (ours !== undefined && theirs !== undefined) values.push(theirs / ours);
    }
  }
  for (const [[ours, theirs], values] of ratios)
    if (values.length > 0)
      process.stdout.write(
        `${work.padEnd(12)} ${`${ours} / ${theirs}`.padEnd(14)} ${at(values, 0.5)}  (${at(values, 0.25)} to ${at(values, 0.75)})\n`,
      );
}
for (const { child } of started) child.disconnect();
