// Certificates that rotate under load, over each engine that can serve: what `rotation.ts` does, with much of everything.
import { mebibyte } from '../interop/ends.ts';
import { type Bench, mebibytes } from './judge.ts';
import { type RotationOutcome, type RotationPlan, rotation } from './rotation.ts';
import { type RotationKit, rotationKits } from './rotation-kits.ts';

const every = 100;
export const concurrency = 32;

/** A handshake of node-forge takes fifty milliseconds of the CPU: as many as of the others would be ten minutes. */
const shareOf = (kit: RotationKit): number => (kit.name === 'forge' ? 1 / 25 : 1);

/** Three hundred bytes for each of 10 000 connections. About two thirds of it is what V8 goes on to compile. */
const mostMemory = 3 * mebibyte;

export async function rotations(short: number, long: number, bench: Bench): Promise<void> {
  const plan = (share: number): RotationPlan => ({
    short: Math.ceil(short * share),
    long: Math.ceil(long * share),
    every,
    concurrency,
    say: (line) => console.log(`     ${line}`),
  });
  for (const kit of rotationKits) {
    await rotation(kit, plan(shareOf(kit) / 20)); // what is made once and kept is made here
    const started = Date.now();
    const outcome = await rotation(kit, plan(shareOf(kit)));
    report(kit.name, outcome, (Date.now() - started) / 1_000, bench);
  }
}

function report(name: string, outcome: RotationOutcome, seconds: number, bench: Bench): void {
  const { faults, before, idle, after, drained, engines, connections, tally } = outcome;
  const { short, long, bytes, laps, resumed, straddled, generations } = tally;
  console.log(
    `     ${name}: ${short} short and ${long} long connections in ${seconds.toFixed(0)} s (${resumed} resumed), ${mebibytes(bytes)} there and back, each long one spoke ${laps} times or more`,
  );
  console.log(
    `     ${name}: ${outcome.rotations} certificates (${outcome.fromFiles} from files), ${generations.size} of them served, ${straddled} replaced within a handshake; ${mebibytes(before.memory)}, idle ${mebibytes(idle.memory)}, then ${mebibytes(after.memory)}, drained ${mebibytes(drained.memory)}`,
  );
  for (const fault of faults) console.log(`     ${fault}`);
  bench.verdict(`${name}: ${faults.length} faults`, faults.length === 0);
  for (const [when, from, to] of [['in the end', idle, after] as const, ['drained', before, drained] as const]) {
    bench.judge(`${name}, ${when}: heap`, to.memory - from.memory, mostMemory, mebibytes);
    bench.judge(`${name}, ${when}: descriptors`, to.descriptors - from.descriptors, 0);
    bench.judge(`${name}, ${when}: timers and sockets`, to.resources - from.resources, 0);
  }
  bench.judge(`${name}: engines that were replaced`, engines, 0);
  bench.judge(`${name}: connections that have ended`, connections, 0);
}
