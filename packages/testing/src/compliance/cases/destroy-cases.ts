import { sampleBytes } from '../chunking.ts';
import type { ComplianceCase } from '../compliance-case.ts';
import type { CaseContext } from '../engine-compliance.ts';
import { sinkCallbacks } from '../engine-side.ts';

/** D1: destroy from inside every callback, and nothing is heard afterwards. */
export function destroyCases(context: CaseContext): ComplianceCase[] {
  return (['client', 'server'] as const).flatMap((role) =>
    sinkCallbacks.map((callback) => ({
      name: `D1 ${role}: destroy inside ${callback}, nothing afterwards`,
      run: async () => {
        for (const occurrence of [1, 2, 4]) {
          const pair = context.pair();
          const side = pair[role];
          let seen = 0;
          side.inside = (name) => {
            if (name !== callback || ++seen !== occurrence) return;
            // As core does it: the engine is gone, and what its sink still says is a breach.
            side.destroy();
          };
          for (const each of pair.sides) {
            each.write(sampleBytes(40_000));
            each.write(Uint8Array.of(1));
          }
          await pair.settle();
          if (callback === 'failed') pair.inject(pair.other(side), Uint8Array.from([99, 9, 9, 9, 9, 9]));
          for (const each of pair.sides) if (!each.over) each.actions.push('close');
          await pair.settle();
          await pair.finish();
        }
      },
    })),
  );
}
