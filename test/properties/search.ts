import { config } from 'rxjs';
import fc from 'fast-check';
import { type Ground, newTally, runScript, type Tally } from './run-script.ts';
import type { Script } from './script.ts';

export interface Search {
  readonly tally: Tally;
  readonly seed: number;
  /** The smallest script found that goes wrong, and how. */
  readonly found: string | undefined;
}

/** `RXTLS_SEED`, or another one in every run. */
export const seed: number = Number(process.env['RXTLS_SEED'] ?? Date.now() & 0x7fff_ffff);

/** Runs as many random scripts. */
export async function search(scripts: fc.Arbitrary<Script>, ground: Ground, numRuns: number): Promise<Search> {
  const tally = newTally();
  const unhandled: unknown[] = [];
  const note = (error: unknown): void => void unhandled.push(error);
  config.onUnhandledError = note;
  process.on('unhandledRejection', note);
  const path = process.env['RXTLS_PATH'];
  const details = await fc.check(
    fc.asyncProperty(scripts, async (script) => {
      const wrong = await runScript(script, ground, tally);
      if (wrong.length > 0) throw new Error(wrong.slice(0, 3).join('\n'));
    }),
    { seed, numRuns, ...(path !== undefined && { path }), interruptAfterTimeLimit: 400_000 },
  );
  await new Promise((resolve) => setTimeout(resolve, 20));
  config.onUnhandledError = null;
  process.off('unhandledRejection', note);
  let found: string | undefined;
  if (details.failed) {
    const [script] = details.counterexample ?? [];
    found = `seed ${seed}, path ${details.counterexamplePath}\n${(details.errorInstance as Error | undefined)?.message}\n${JSON.stringify(script)}`;
  } else if (unhandled.length > 0) found = `seed ${seed}: unhandled ${String((unhandled[0] as Error)?.stack)}`;
  return { tally, seed, found };
}

/** What an assertion on `found` is called: one that fails is read where its diff is not. */
export const titleOf = (found: string | undefined, { scripts }: Tally): string =>
  found === undefined ? `${scripts} scripts keep every promise` : found.split('\n', 2).join(': ');
