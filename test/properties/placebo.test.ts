import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import type { ScriptKind } from './script.ts';
import { type Search, seed, titleOf } from './search.ts';

const runs = Math.ceil(Number(process.env['RXTLS_RUNS'] ?? 20_000) / 4);

const kinds: readonly { readonly name: string; readonly kind: ScriptKind }[] = [
  { name: 'TLS 1.3, synchronous', kind: { version: 'TLSv1.3', asynchronous: [false], maxSteps: 14 } },
  { name: 'TLS 1.2, synchronous', kind: { version: 'TLSv1.2', asynchronous: [false], maxSteps: 14 } },
  { name: 'TLS 1.3, asynchronous', kind: { version: 'TLSv1.3', asynchronous: ['microtask', 'timer'], maxSteps: 11 } },
  { name: 'TLS 1.2, asynchronous', kind: { version: 'TLSv1.2', asynchronous: ['microtask', 'timer'], maxSteps: 11 } },
];

t.setTimeout(600_000);
t.jobs = 2;
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same scripts again`);
for (const { name, kind } of kinds) {
  t.test(`W2 W3 W4 W5 W7 C1 C8 (placebo, ${name}): whatever is done, in whatever order`, async (t) => {
    t.setTimeout(500_000);
    const env = { ...process.env, RXTLS_SEED: String(seed) };
    const worker = new Worker(new URL('search-worker.ts', import.meta.url), { workerData: { kind, runs }, env });
    const [{ tally, found }] = (await once(worker, 'message')) as [Search];
    await worker.terminate();
    t.comment(JSON.stringify(tally));
    t.equal(found, undefined, titleOf(found, tally));
    t.ok(found !== undefined || tally.scripts >= runs, `${runs} scripts were asked for`);
  });
}
