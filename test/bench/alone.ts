// One workload of one variant in this process, for a profiler: alone.mjs VARIANT WORKLOAD COUNT, once the bench has built it.
import { setImmediate as turn } from 'node:timers/promises';
import { application } from './application.ts';
import { Bench } from './bench.ts';
import { makePki } from './pki.ts';
import { catalogue } from './variants/catalogue.ts';
import { workloads } from './workloads.ts';

const [variant, work, count] = process.argv.slice(2);
const entry = catalogue.find(({ name }) => name === variant);
const workload = workloads.find(({ name }) => name === work);
if (entry === undefined || workload === undefined || !(Number(count) > 0))
  throw new Error('takes the names of a variant and a workload, and how often');

const make = await entry.load();
const bench = new Bench(await make(await makePki()));
const { batch } = workload.full;
const beside = application();
const before = process.cpuUsage();
for (let done = 0; done < Number(count); ) {
  const ready = (await workload.prepare?.(bench, batch)) ?? batch;
  await workload.run(bench, ready);
  await turn();
  done += ready;
}
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(user + system) / 1_000} ms CPU beside ${beside.length} objects\n`);
process.exit();
