// That the harness works. No figure is judged here.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readArguments } from './arguments.ts';
import { judge } from './check.ts';
import { cohortsOf } from './cohorts.ts';
import { Figures, ratio } from './figures.ts';
import { measure } from './measure.ts';
import { variantNames, workloadNames } from './names.ts';
import type { Pki } from './pki.ts';
import { quick } from './plan.ts';
import { jsonLine } from './report/json.ts';
import { plot } from './report/plot.ts';
import { table } from './report/table.ts';
import { between } from './report/write.ts';
import { median, spread } from './statistics.ts';
import { thresholds } from './thresholds.ts';
import { baseline, catalogue } from './variants/catalogue.ts';
import { workloads } from './workloads.ts';

t.setTimeout(120_000);
const root = join(import.meta.dirname, '../..');

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `npm run bench -- …` without its set-up. */
async function bench(...args: readonly string[]): Promise<Outcome> {
  const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|_?TAP)/.test(name)));
  const child = spawn(process.execPath, [...loader, 'test/bench/main.ts', ...args], { cwd: root, env });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, stdout, stderr };
}

const skip = existsSync(join(root, 'packages/core/dist/index.js')) ? false : 'the bench measures built packages';

t.test('--json prints one object a line, of each variant that was asked for and the baseline', { skip }, async (t) => {
  const asked = ['tls13Engine/node over tcp', 'tls13Engine/node over memory'];
  const { code, stdout, stderr } = await bench('--quick', '--json', '--only', ['echo', ...asked].join(','));
  t.equal(code, 0, stderr);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.same(
    lines.map(({ variant }) => variant),
    [baseline, ...asked],
  );
  for (const line of lines) {
    t.same(Object.keys(line), ['workload', 'variant', 'perCpuSecond', 'ratio', 'rounds', 'spread']);
    t.match(line, { workload: 'echo', perCpuSecond: Number, ratio: Number, rounds: 1, spread: 0 });
  }
  t.match(stderr, /echo/, 'progress is told elsewhere');
});

t.test('a command line that makes no sense is refused with 2', async (t) => {
  const { code, stdout, stderr } = await bench('--only', 'no such thing');
  t.match({ code, stdout }, { code: 2, stdout: '' });
  t.match(stderr, /no such thing.*--help/);
  for (const argv of [['--slow'], ['echo'], ['--launches', '0'], ['--quick', '--write'], ['--only', '']])
    t.throws(() => readArguments(argv), { name: 'ArgumentsError' }, argv.join(' '));
  t.match(readArguments(['--only', 'echo', '--only', 'lemon']), {
    workloads: ['echo'],
    variants: [baseline, 'lemon-tls over tcp'],
  });
});

/** A child that is what its variant is called. */
const odd = `
let variant;
const answers = { crashes: () => process.exit(3), hangs: () => {}, fails: () => process.send({ failed: 'no luck' }) };
process.on('message', (message) => {
  if ('variant' in message) variant = message.variant;
  else if (variant in answers) answers[variant]();
  else process.send({ count: 5, cpu: 10 });
});`;

t.test('a variant that crashes, hangs or fails is named, and the others go on', async (t) => {
  const said: string[] = [];
  const load = (): never => t.fail('it is the child that loads') as never;
  const figures = await measure({
    plan: { ...quick, timeout: 5_000 },
    program: join(t.testdir({ 'child.mjs': odd }), 'child.mjs'),
    pki: {} as Pki,
    variants: ['crashes', 'hangs', 'fails', baseline, 'works'].map((name) => ({ name, load })),
    workloads: workloads.filter(({ name }) => name === 'echo' || name === 'small-writes'),
    idle: false,
    first: false,
    say: (line) => said.push(line),
    kept: () => undefined,
  });
  const failed = (variant: string): string | undefined => figures.find('echo', variant)?.failed;
  t.match(failed('crashes'), /ended \(3\)/);
  t.match(failed('hangs'), /no answer within 5 s/);
  t.match(failed('fails'), /no luck/);
  for (const workload of ['echo', 'small-writes'])
    t.match(jsonLine(figures.find(workload, 'works')!, figures), /"perCpuSecond":500,"ratio":1,"rounds":1/);
  for (const variant of ['crashes', 'hangs', 'fails'])
    t.ok(
      said.some((line) => line.startsWith(`FAILED ${variant}, small-writes`)),
      `${variant}: every workload is tried`,
    );
  t.match(jsonLine(figures.find('echo', 'hangs')!, figures), /"perCpuSecond":null.*"failed":"no answer/);
});

t.test('thresholds name what there is, and each has one bound', async (t) => {
  for (const { workload, variant, besideVariant, besideWorkload, least, most } of thresholds) {
    const name = `${workload}, ${variant}`;
    t.ok(workloadNames.includes(workload) && variantNames.includes(variant), name);
    t.ok(besideVariant === undefined || variantNames.includes(besideVariant), `${name}: beside ${besideVariant}`);
    t.ok(besideWorkload === undefined || workloadNames.includes(besideWorkload), `${name}: beside ${besideWorkload}`);
    t.ok((besideVariant === undefined) !== (besideWorkload === undefined), `${name}: beside one thing`);
    t.ok((least === undefined) !== (most === undefined) && (least ?? most)! > 0, `${name}: one bound`);
  }
});

function made(values: Readonly<Record<string, readonly number[]>>): Figures {
  const figures = new Figures();
  for (const [variant, all] of Object.entries(values)) {
    const cell = figures.cell({ workload: 'echo', variant, kind: 'rate', unit: 'round trips' });
    for (const [round, value] of all.entries()) cell.figures.set(round, value);
  }
  return figures;
}

t.test('ratios are of the same rounds, and thresholds are judged by their median', async (t) => {
  t.match([median([3, 1, 2]), median([1, 2]), spread([1, 2, 3, 4, 5])], [2, 1.5, 2 / 3]);
  const figures = made({ [baseline]: [100, 200, 400], other: [50, 100, 100], late: [] });
  figures.find('echo', 'late')?.figures.set(2, 800);
  const of = (variant: string): number | undefined =>
    ratio(figures.find('echo', variant)!, figures.find('echo', baseline));
  t.match([of('other'), of('late')], [0.5, 2]);
  const outcome = (least: number, variant = 'other', workload = 'echo'): string =>
    judge({ workload, variant, besideVariant: baseline, least }, figures, new Set(['echo'])).outcome;
  t.same(
    [outcome(0.5), outcome(0.51), outcome(0.1, 'absent'), outcome(9, 'other', 'bulk')],
    ['ok', 'FAIL', 'FAIL', 'skip'],
  );
});

t.test('table and plot have every variant; the README has a place for them', async (t) => {
  const figures = made({ [baseline]: [1_000], 'nodeEngine over tcp': [500] });
  figures.cell({
    workload: 'echo',
    variant: 'a over memory',
    kind: 'rate',
    unit: 'round trips',
    cannot: 'it is a client',
  });
  t.match(table(figures), /\| nodeEngine over tcp \| 0\.50 \|/);
  t.match(table(figures), /<sup>1<\/sup> it is a client/);
  const svg = plot(figures, 'a <machine>');
  for (const part of ['nodeEngine', '0.50', 'a &lt;machine&gt;']) t.match(svg, part);
  t.match(
    between('a\n<!-- made by npm run bench -- --write -->\nold\n<!-- end of what the bench made -->\nb', 'new'),
    /new/,
  );
  t.throws(() => between('nothing', 'new'));
});

t.test('cohorts: each variant is measured in one, few at a time, and with the baseline', async (t) => {
  const cohorts = cohortsOf(catalogue).map((variants) => variants.map(({ name }) => name));
  for (const names of cohorts) {
    t.equal(names[0], baseline);
    t.ok(names.length <= 6, names.join(', '));
  }
  t.same(cohorts.flatMap((names) => names.slice(1)).sort(), variantNames.filter((name) => name !== baseline).sort());
  const compared = thresholds.filter(({ besideVariant = baseline }) => besideVariant !== baseline);
  for (const { variant, besideVariant } of compared)
    t.ok(
      cohorts.some((names) => names.includes(variant) && names.includes(besideVariant!)),
      `${variant}, ${besideVariant}`,
    );
  t.same(cohortsOf(catalogue.slice(0, 1)), [catalogue.slice(0, 1)]);
});
