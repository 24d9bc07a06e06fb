// Certificates that rotate under load, over each engine that can serve: what `rotation.ts` does, with much of everything.
import { mebibyte } from '../interop/ends.ts';
import { type Verdicts, mebibytes } from './verdicts.ts';
import { type RotationOutcome, type RotationPlan, rotation } from './rotation.ts';
import { type RotationKit, rotationKits } from './rotation-kits.ts';

const every = 100;
export const concurrency = 32;

/** A handshake of node-forge takes fifty milliseconds of the CPU: as many as of the others would be ten minutes. */
const shareOf = (kit: RotationKit): number => (kit.name === 'forge' ? 1 / 25 : 1);

/** Three hundred bytes for each of 10 000 connections. About two thirds of it is what V8 goes on to compile. */
const mostMemory = 3 * mebibyte;

export async function rotations(short: number, long: number, verdicts: Verdicts): Promise<void> {
  const plan = (share: number): RotationPlan => ({
    short: Math.ceil(short * share),
    long: Math.ceil(long * share),
    every,
    concurrency,
    say: (line) => console.log(`     ${line}`),
  });
  for (const kit of rotationKits) {
    const whole = plan(shareOf(kit));
    // What is made once is made here; and as much memory is asked for at once as later, which is never given back in full.
    const { faults } = await rotation(kit, { ...whole, short: Math.ceil(whole.short / 20) });
    const started = Date.now();
    const outcome = await rotation(kit, whole);
    report(kit.name, { ...outcome, faults: [...faults, ...outcome.faults] }, (Date.now() - started) / 1_000, verdicts);
  }
}

function report(name: string, outcome: RotationOutcome, seconds: number, verdicts: Verdicts): void {
  const { faults, before, idle, after, drained, engines, connections, tally } = outcome;
  const { short, long, bytes, laps, resumed, straddled, generations } = tally;
  console.log(
    `     ${name}: ${short} short and ${long} long connections in ${seconds.toFixed(0)} s (${resumed} resumed), ${mebibytes(bytes)} there and back, each long one spoke ${laps} times or more`,
  );
  console.log(
    `     ${name}: ${outcome.rotations} certificates (${outcome.fromFiles} from files), ${generations.size} of them served, ${straddled} replaced within a handshake; ${mebibytes(before.memory)}, idle ${mebibytes(idle.memory)}, then ${mebibytes(after.memory)}, drained ${mebibytes(drained.memory)} (resident ${mebibytes(idle.resident)}, then ${mebibytes(after.resident)})`,
  );
  for (const fault of faults) console.log(`     ${fault}`);
  verdicts.say(`${name}: ${faults.length} faults`, faults.length === 0);
  for (const [when, from, to] of [['in the end', idle, after] as const, ['drained', before, drained] as const]) {
    verdicts.judge(`${name}, ${when}: heap`, to.memory - from.memory, mostMemory, mebibytes);
    verdicts.judge(`${name}, ${when}: descriptors`, to.descriptors - from.descriptors, 0);
    verdicts.judge(`${name}, ${when}: timers and sockets`, to.resources - from.resources, 0);
  }
  verdicts.judge(`${name}: engines that were replaced`, engines, 0);
  verdicts.judge(`${name}: connections that have ended`, connections, 0);
}
