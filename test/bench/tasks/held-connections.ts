import type { Bench } from '../bench.ts';
import type { Pair } from '../variants/variant.ts';

/** So many connections open at once, each opened while all before it are; then closed. */
export async function heldConnections(bench: Bench, count: number): Promise<void> {
  const pairs: Pair[] = [];
  for (let n = 0; n < count; n++) pairs.push(await bench.open(false));
  for (const pair of pairs) await pair.close();
}
