import type { TestPki } from '@rxtls/testing';
import fc from 'fast-check';
import { seed } from '../properties/search.ts';
import { plan, roles, tls13Fuzz } from '../properties/tls13-fuzz.ts';

const batch = 5_000;

/** `count` plans of a forger, half of them against each role of our TLS 1.3. True when nothing went wrong. */
export async function forgedFlights(pki: TestPki, count: number, say: (line: string) => void): Promise<boolean> {
  const fuzz = await tls13Fuzz(pki);
  const started = Date.now();
  const tally: Record<string, number> = {};
  let negotiated = 0;
  let slowest = 0;
  for (let done = 0; done < count; ) {
    const role = roles[(done / batch) % 2]!;
    const numRuns = Math.min(batch, count - done);
    const property = fc.property(plan, (plan) => {
      const before = performance.now();
      const outcome = fuzz(role, plan);
      slowest = Math.max(slowest, performance.now() - before);
      tally[outcome.end] = (tally[outcome.end] ?? 0) + 1;
      if (outcome.negotiated) negotiated++;
    });
    const outcome = fc.check(property, { numRuns, seed: seed + done });
    if (outcome.failed) {
      say(`FAIL ${role}, RXTLS_SEED=${seed + done}: ${fc.defaultReportMessage(outcome)}`);
      return false;
    }
    done += numRuns;
    const seconds = Math.round((Date.now() - started) / 1_000);
    say(`     ${done} forged connections in ${seconds} s: ${JSON.stringify({ ...tally, negotiated })}`);
  }
  say(`ok   ${count} forged connections, the slowest ${Math.round(slowest)} ms`);
  return true;
}
