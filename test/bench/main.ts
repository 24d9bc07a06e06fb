// `npm run bench`: see arguments.ts for what it takes. Exits with 1 when something failed or a threshold does not hold, with 2 when
// the command line is wrong.
import { ArgumentsError, type Arguments, help, readArguments } from './arguments.ts';
import { buildChild } from './build-child.ts';
import { judge } from './check.ts';
import type { Figures } from './figures.ts';
import { keepRun, lastRun } from './last-run.ts';
import { machineKind } from './machine.ts';
import { measure } from './measure.ts';
import { firstConnection, workloadNames } from './names.ts';
import { makePki } from './pki.ts';
import { full, type Plan, quick } from './plan.ts';
import { jsonLine } from './report/json.ts';
import { plot } from './report/plot.ts';
import { table } from './report/table.ts';
import { writePlot, writeReadme } from './report/write.ts';
import { thresholds } from './thresholds.ts';
import { baseline, catalogue } from './variants/catalogue.ts';
import { workloads } from './workloads.ts';

const started = Date.now();
const say = (line: string): void => {
  process.stderr.write(`[${Math.round((Date.now() - started) / 1_000)} s] ${line}\n`);
};

/** What is measured, by name: what was asked for, or what thresholds or the plan name. */
function scope(
  given: Arguments,
  plan: Plan,
): { readonly variants: ReadonlySet<string>; readonly names: readonly string[] } {
  const checked = given.check && !given.write && !given.plot;
  const named = thresholds.flatMap(({ variant, besideVariant = baseline }) => [variant, besideVariant, baseline]);
  const variants = given.variants ?? (checked ? named : (plan.only ?? catalogue.map(({ name }) => name)));
  const inChecks = thresholds.flatMap(({ workload, besideWorkload = workload }) => [workload, besideWorkload]);
  return { variants: new Set(variants), names: given.workloads ?? (checked ? inChecks : workloadNames) };
}

async function run(given: Arguments): Promise<Figures> {
  if (given.last) return lastRun();
  const plan = { ...(given.quick ? quick : full), ...(given.launches !== undefined && { launches: given.launches }) };
  const { variants, names } = scope(given, plan);
  const [program, pki] = await Promise.all([buildChild(), makePki()]);
  return measure({
    plan,
    program,
    pki,
    variants: catalogue.filter(({ name }) => variants.has(name)),
    workloads: workloads.filter(({ name }) => names.includes(name)),
    idle: names.some((name) => name.startsWith('idle-')),
    first: names.includes(firstConnection),
    say,
    kept: given.quick ? () => undefined : keepRun,
  });
}

function report(given: Arguments, figures: Figures): void {
  const machine = given.machine ?? machineKind();
  if (given.json) for (const cell of figures.cells) process.stdout.write(`${jsonLine(cell, figures)}\n`);
  else process.stdout.write(`${table(figures)}\n\n${machine}\n`);
  if (given.plot || given.write) writePlot(plot(figures, machine));
  if (given.write) writeReadme(table(figures), machine);
}

/** False when one does not hold. */
function check(given: Arguments, figures: Figures): boolean {
  const isNarrowed = given.quick || given.last || given.workloads !== undefined; // the last run may have been
  const measured = new Set(isNarrowed ? figures.cells.map(({ workload }) => workload) : workloadNames);
  const variants = new Set(figures.cells.map(({ variant }) => variant));
  const inScope = thresholds.filter(({ variant, besideVariant = variant }) =>
    given.variants === undefined ? true : variants.has(variant) && variants.has(besideVariant),
  );
  const verdicts = inScope.map((threshold) => judge(threshold, figures, measured));
  const out = given.json ? process.stderr : process.stdout;
  const judged = verdicts.filter(({ outcome }) => outcome !== 'skip');
  const failed = judged.filter(({ outcome }) => outcome === 'FAIL');
  const summary = `${judged.length - failed.length} ratios hold, ${failed.length} do not, ${verdicts.length - judged.length} were not in this run`;
  out.write(`${[...judged.map(({ line }) => line), summary].join('\n')}\n`);
  return failed.length === 0;
}

async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2));
  if (given.help) {
    process.stdout.write(help);
    return 0;
  }
  const figures = await run(given);
  report(given, figures);
  const holds = !given.check || check(given, figures);
  const failed = figures.cells.filter(({ failed }) => failed !== undefined);
  if (failed.length > 0) say(`failed: ${failed.map(({ variant, workload }) => `${variant}, ${workload}`).join('; ')}`);
  return holds && failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ArgumentsError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
