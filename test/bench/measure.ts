// The order of the work: rounds, in which each variant of a cohort does the same in turn, and back the other way the next time, so
// that what the machine does meanwhile hits all of them.
import { cohortsOf } from './cohorts.ts';
import { Contestant } from './contestant.ts';
import { type Cell, Figures } from './figures.ts';
import type { Request } from './messages.ts';
import { firstByteUnit, firstConnection, idleNames } from './names.ts';
import type { Pki } from './pki.ts';
import type { Plan } from './plan.ts';
import type { VariantEntry } from './variants/catalogue.ts';
import type { Workload } from './workloads.ts';

export interface Job {
  readonly plan: Plan;
  readonly program: string;
  readonly pki: Pki;
  readonly variants: readonly VariantEntry[];
  readonly workloads: readonly Workload[];
  /** Whether idle connections, and whether first connections, are measured. */
  readonly idle: boolean;
  readonly first: boolean;
  /** Progress, and failures. */
  say(line: string): void;
  /** Told whenever there is more. */
  readonly kept: (figures: Figures) => void;
}

export async function measure(job: Job): Promise<Figures> {
  const figures = new Figures();
  const { plan, kept } = job;
  const slow = new Set<Cell>();
  for (const group of groups(job)) {
    const able = job.variants.filter(({ name }) => group.some(({ only }) => only?.includes(name) !== false));
    const cohorts = plan.together ? [able] : cohortsOf(able);
    for (const [at, variants] of cohorts.entries())
      for (let n = 0; n < plan.launches; n++) {
        await launch({ ...job, variants }, { figures, slow }, group, at * plan.launches + n);
        kept(figures);
      }
  }
  if (job.idle) for (let round = 0; round < plan.idle.rounds; round++) await idle(job, figures, round);
  kept(figures);
  if (job.first) for (let round = 0; round < plan.first; round++) await first(job, figures, round);
  kept(figures);
  return figures;
}

/** Workloads that share a process. */
function groups({ plan, workloads }: Job): readonly (readonly Workload[])[] {
  const measured = workloads.filter((workload) => plan.amount(workload) !== undefined);
  if (plan.together) return measured.length === 0 ? [] : [measured];
  const names = new Set(measured.map(({ name }) => name));
  const leads = measured.filter(({ beside }) => beside === undefined || !names.has(beside));
  return leads.map((lead) => [lead, ...measured.filter(({ beside }) => beside === lead.name)]);
}

interface Found {
  readonly figures: Figures;
  /** Of these one figure is enough. */
  readonly slow: Set<Cell>;
}

async function launch(job: Job, { figures, slow }: Found, group: readonly Workload[], number: number): Promise<void> {
  const { plan } = job;
  job.say(`${group.map(({ name }) => name).join(', ')}: launch ${(number % plan.launches) + 1} of ${plan.launches}`);
  const seats = job.variants
    .map((variant) => ({ variant, tasks: group.flatMap((workload) => taskOf(figures, workload, variant) ?? []) }))
    .map(({ variant, tasks }) => ({ variant, tasks: tasks.filter(({ cell }) => !slow.has(cell)) }))
    .filter(({ tasks }) => tasks.length > 0)
    .map(({ variant, tasks }) => ({ tasks, seat: new Seat(job, variant.name) }));
  for (let round = 0; round < plan.rounds; round++) {
    for (const { seat, tasks } of round % 2 === 0 ? seats : [...seats].reverse())
      for (const { workload, cell } of tasks) {
        if (cell.failed !== undefined || slow.has(cell)) continue;
        const cpu = await rate(job, seat, workload, cell, number * plan.rounds + round);
        if (!plan.together && round === 0) job.say(`  ${cell.variant}: ${told(cell)}`);
        if (cpu > plan.slow) slow.add(cell);
      }
  }
  for (const { seat } of seats) seat.contestant.stop();
}

/** The newest figure. */
const told = ({ unit, figures }: Cell): string => {
  const newest = [...figures.values()].at(-1);
  return newest === undefined ? 'none' : `${newest.toPrecision(3)} ${unit} a CPU second`;
};

/** Where a variant's process is; another takes its place when it has failed, for the workloads that are left. */
class Seat {
  readonly warmed = new Set<string>();
  readonly #job: Job;
  readonly #variant: string;
  #contestant: Contestant;

  constructor(job: Job, variant: string) {
    this.#job = job;
    this.#variant = variant;
    this.#contestant = this.#start();
  }

  get contestant(): Contestant {
    if (!this.#contestant.isOver) return this.#contestant;
    this.warmed.clear();
    return (this.#contestant = this.#start());
  }

  #start(): Contestant {
    return new Contestant(this.#job.program, { variant: this.#variant, pki: this.#job.pki });
  }
}

/** Undefined where the variant has no such work. */
function taskOf(
  figures: Figures,
  workload: Workload,
  { name, cannot = {} }: VariantEntry,
): { readonly workload: Workload; readonly cell: Cell } | undefined {
  if (workload.only?.includes(name) === false) return undefined;
  const reason = Object.entries(cannot).find(([beginning]) => workload.name.startsWith(beginning))?.[1];
  const about = { workload: workload.name, variant: name, kind: 'rate', unit: workload.unit } as const;
  const cell = figures.cell(reason === undefined ? about : { ...about, cannot: reason });
  return reason === undefined ? { workload, cell } : undefined;
}

/** Gives the CPU time that the measurement took. */
async function rate(job: Job, seat: Seat, workload: Workload, cell: Cell, round: number): Promise<number> {
  const { plan } = job;
  const { batch, least, warm } = plan.amount(workload)!;
  const { contestant } = seat;
  const ask = { ask: 'rate', workload: workload.name, batch } as const;
  try {
    if (warm > 0 && !seat.warmed.has(workload.name))
      await contestant.ask({ ...ask, batch: Math.min(batch, warm), least: warm, ...plan.warm }, plan.timeout);
    seat.warmed.add(workload.name);
    const request: Request = { ...ask, least, cpu: warm > 0 ? plan.cpu : 0, most: Number.MAX_SAFE_INTEGER };
    const answer = await contestant.ask(request, plan.timeout);
    if (!('cpu' in answer)) throw new Error('it answered something else');
    cell.figures.set(round, (answer.count * workload.units) / (answer.cpu / 1_000));
    return answer.cpu;
  } catch (error) {
    fail(job, cell, error);
    return 0;
  }
}

function fail({ say }: Pick<Job, 'say'>, cell: Cell, error: unknown): void {
  cell.failed = error instanceof Error ? error.message : String(error);
  say(`FAILED ${cell.variant}, ${cell.workload}: ${cell.failed.split('\n').slice(0, 3).join('\n')}`);
}

async function idle({ plan, ...job }: Job, figures: Figures, round: number): Promise<void> {
  job.say(`idle connections: ${round + 1} of ${plan.idle.rounds}`);
  const { counts, warm } = plan.idle;
  for (const { name } of job.variants.filter(({ name }) => plan.idle.only.includes(name))) {
    const about = { variant: name, kind: 'bytes', unit: 'bytes per connection' } as const;
    const cells = counts.map((count) => ({
      rss: figures.cell({ ...about, workload: idleNames(count).rss }),
      heap: figures.cell({ ...about, workload: idleNames(count).heap }),
    }));
    const contestant = new Contestant(job.program, { variant: name, pki: job.pki });
    try {
      const answer = await contestant.ask({ ask: 'memory', counts, warm }, plan.timeout);
      if (!('weights' in answer)) throw new Error('it answered something else');
      for (const [at, { rss, heap }] of cells.entries()) {
        rss.figures.set(round, answer.weights[at]!.rss);
        heap.figures.set(round, answer.weights[at]!.heap);
      }
    } catch (error) {
      fail(job, cells[0]!.rss, error);
    }
    contestant.stop();
  }
}

async function first({ plan, ...job }: Job, figures: Figures, round: number): Promise<void> {
  job.say(`first connection: ${round + 1} of ${plan.first}`);
  for (const { name } of job.variants) {
    const cell = figures.cell({ workload: firstConnection, variant: name, kind: 'rate', unit: firstByteUnit });
    const contestant = new Contestant(job.program, { variant: name, pki: job.pki });
    try {
      const answer = await contestant.ask({ ask: 'first' }, plan.timeout);
      if (!('cpu' in answer)) throw new Error('it answered something else');
      cell.figures.set(round, 1_000 / answer.cpu);
    } catch (error) {
      fail(job, cell, error);
    }
    contestant.stop();
  }
}
