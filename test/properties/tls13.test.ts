// RXTLS_TLS13_RUNS (5 000) plans of a forger, half of them against each role: typed errors, the alert of their class, and
// nothing that the contract does not allow.
import { testPki } from '@rxtls/testing';
import fc from 'fast-check';
import t from 'tap';
import { seed } from './search.ts';
import { plan, roles, tls13Fuzz } from './tls13-fuzz.ts';

const runs = Math.ceil(Number(process.env['RXTLS_TLS13_RUNS'] ?? 5_000) / 2);
t.setTimeout(900_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same plans again`);
const fuzz = await tls13Fuzz(await testPki());

for (const role of roles)
  t.test(`${role}: forged flights give typed errors, no exception, no hang, no clear text`, async (t) => {
    const tally: Record<string, number> = {};
    let negotiated = 0;
    const property = fc.property(plan, (plan) => {
      const outcome = fuzz(role, plan);
      tally[outcome.end] = (tally[outcome.end] ?? 0) + 1;
      if (outcome.negotiated) negotiated++;
    });
    const path = process.env['RXTLS_PATH'];
    const outcome = fc.check(property, { numRuns: runs, seed, ...(path !== undefined && { path }) });
    t.comment(JSON.stringify({ ...tally, negotiated }));
    t.notOk(outcome.failed, fc.defaultReportMessage(outcome) ?? `${outcome.numRuns} plans`);
    t.ok(negotiated > runs / 20, 'many came through, so that what is behind the handshake was reached');
  });
