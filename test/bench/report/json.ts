import { baseline } from '../variants/catalogue.ts';
import { type Cell, type Figures, ratio } from '../figures.ts';
import { median, spread } from '../statistics.ts';

const rounded = (value: number | undefined): number | null =>
  value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(4));

/**
 * One object a line. `perCpuSecond` is the median of the rounds and `spread` how far the middle half of them is apart, as a part of
 * it; `ratio` the median of the rounds' ratios to node:tls over TCP. Of memory, `bytes` stands for `perCpuSecond`, and less is better.
 */
export function jsonLine(cell: Cell, figures: Figures): string {
  const { workload, variant, kind } = cell;
  const values = [...cell.figures.values()];
  const middle = values.length === 0 ? null : rounded(median(values));
  return JSON.stringify({
    workload,
    variant,
    perCpuSecond: kind === 'rate' ? middle : null,
    ...(kind === 'bytes' && { bytes: middle }),
    ratio: rounded(ratio(cell, figures.find(workload, baseline))),
    rounds: values.length,
    spread: values.length === 0 ? null : rounded(spread(values)),
    ...(cell.cannot !== undefined && { cannot: cell.cannot }),
    ...(cell.failed !== undefined && { failed: cell.failed.split('\n')[0] }),
  });
}
