import type { Figures } from './figures.ts';
import { ratio } from './figures.ts';
import type { Threshold } from './thresholds.ts';

export interface Verdict {
  readonly outcome: 'ok' | 'FAIL' | 'skip';
  readonly line: string;
}

/**
 * What became of a threshold. One that was not measured fails, unless its workload was left out of the run altogether.
 * @param measured the workloads of the run
 */
export function judge(threshold: Threshold, figures: Figures, measured: ReadonlySet<string>): Verdict {
  const { workload, variant, besideVariant = variant, besideWorkload = workload, least, most, aim } = threshold;
  const held = least === undefined ? `at most ${most}` : `at least ${least}`;
  const bound = aim === undefined ? held : `${held} (the aim is ${aim})`;
  const beside = besideWorkload === workload ? besideVariant : besideWorkload;
  const verdict = (outcome: Verdict['outcome'], said: string): Verdict => ({
    outcome,
    line: `${outcome.padEnd(4)} ${workload}: ${variant} beside ${beside}: ${said}, ${bound}`,
  });
  if (!measured.has(workload) || !measured.has(besideWorkload)) return verdict('skip', 'not in this run');
  const [cell, other] = [figures.find(workload, variant), figures.find(besideWorkload, besideVariant)];
  const found = cell === undefined ? undefined : ratio(cell, other);
  if (found === undefined) return verdict('FAIL', 'not measured');
  const holds = found >= (least ?? Number.NEGATIVE_INFINITY) && found <= (most ?? Number.POSITIVE_INFINITY);
  return verdict(holds ? 'ok' : 'FAIL', found.toFixed(3));
}
