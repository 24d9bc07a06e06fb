// A variant in a process of its own. Does what the bench asks, and says what CPU time that took: user and system, all threads,
// both ends of the connection.
import { setImmediate as turn } from 'node:timers/promises';
import { application } from './application.ts';
import type { Answer, Begin, Request } from './messages.ts';

const milliseconds = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1_000;

let beside: readonly object[] | undefined;
let begin: Begin | undefined;
let loaded: Promise<import('./bench.ts').Bench> | undefined;

async function load({ variant, pki }: Begin): Promise<import('./bench.ts').Bench> {
  const [{ catalogue }, { Bench }] = await Promise.all([import('./variants/catalogue.ts'), import('./bench.ts')]);
  const entry = catalogue.find(({ name }) => name === variant);
  if (entry === undefined) throw new Error(`there is no variant '${variant}'`);
  const make = await entry.load();
  return new Bench(await make(pki));
}

async function answer(request: Request): Promise<Answer> {
  if (begin === undefined) throw new Error('asked before it was told what it is');
  const before = process.cpuUsage();
  loaded ??= load(begin);
  const bench = await loaded;
  if (request.ask === 'first') {
    const { firstByte } = await import('./tasks/first-byte.ts');
    await firstByte(await bench.standing());
    return { count: 1, cpu: milliseconds(process.cpuUsage(before)) };
  }
  if (request.ask === 'memory') {
    const { weigh } = await import('./tasks/weigh.ts');
    return { weights: await weigh(bench, request.counts, request.warm) };
  }
  beside ??= application();
  const { workloads } = await import('./workloads.ts');
  const workload = workloads.find(({ name }) => name === request.workload);
  if (workload === undefined) throw new Error(`there is no workload '${request.workload}'`);
  const { batch, least, cpu, most } = request;
  let count = 0;
  let spent = 0;
  while ((count < least || spent < cpu) && spent < most) {
    const ready = (await workload.prepare?.(bench, batch)) ?? batch;
    const started = process.cpuUsage();
    await workload.run(bench, ready);
    await turn();
    spent += milliseconds(process.cpuUsage(started));
    count += ready;
  }
  return { count, cpu: spent };
}

const described = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

async function reply(request: Request): Promise<void> {
  try {
    process.send?.(await answer(request));
  } catch (error) {
    process.send?.({ failed: described(error) } satisfies Answer);
  }
}

process.on('disconnect', () => process.exit());
process.on('message', (message: Begin | Request) => {
  if ('variant' in message) begin = message;
  else void reply(message);
});
