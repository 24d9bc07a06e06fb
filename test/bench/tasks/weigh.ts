import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import type { Weight } from '../messages.ts';
import type { Pair } from '../variants/variant.ts';
import { handshakes } from './handshakes.ts';

async function total(): Promise<Weight> {
  const collect = globalThis.gc;
  if (collect === undefined) throw new Error('memory can be weighed only with --expose-gc');
  for (let round = 0; round < 3; round++) {
    await pause(50);
    collect();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

/** What an idle connection weighs, with so many of them open. Counts rise. */
export async function weigh(bench: Bench, counts: readonly number[], warm: number): Promise<Weight[]> {
  await handshakes(false)(bench, warm);
  const empty = await total();
  const open: Pair[] = [];
  const weights: Weight[] = [];
  for (const count of counts) {
    while (open.length < count) open.push(await bench.open(false));
    const { heap, rss } = await total();
    weights.push({ heap: (heap - empty.heap) / count, rss: (rss - empty.rss) / count });
  }
  return weights;
}
