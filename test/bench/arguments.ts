import { parseArgs } from 'node:util';
import { baseline } from './variants/catalogue.ts';
import { variantNames, workloadNames } from './names.ts';

export interface Arguments {
  readonly json: boolean;
  readonly quick: boolean;
  readonly check: boolean;
  readonly plot: boolean;
  readonly write: boolean;
  readonly last: boolean;
  readonly help: boolean;
  /** What kind of machine this is, where the bench shall not say it itself. */
  readonly machine: string | undefined;
  /** In place of the plan's. */
  readonly launches: number | undefined;
  /** Undefined: nothing was said of them. */
  readonly workloads: readonly string[] | undefined;
  readonly variants: readonly string[] | undefined;
}

/** The command line is wrong; nothing was run. */
export class ArgumentsError extends Error {
  override readonly name = 'ArgumentsError';
}

export const help = `npm run bench -- [options]

Work per CPU second (user and system, the whole process, both ends of the connection in it) of rxtls and of what a user would pick
instead, as ratios to ${baseline} in the same rounds. Without options: everything, half an hour.

  --only NAME,…   only workloads and variants whose names contain one of these; may be given again
  --quick         a glance: under a minute, cold and coarse
  --json          one JSON object a line on stdout and nothing else:
                  { workload, variant, perCpuSecond, ratio, rounds, spread }
  --check         measures what test/bench/thresholds.ts names, and exits 1 with a line for each ratio that does not hold
  --plot          writes test/bench/speed.svg
  --write         writes the table and the plot of the README
  --last          reports the last full run again, without measuring
  --launches N    starts every process N times
  --machine TEXT  what kind of machine this is, for table and plot
  --help

Workloads: ${workloadNames.join(', ')}
Variants:  ${variantNames.join(', ')}
`;

const options = {
  only: { type: 'string', multiple: true },
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  check: { type: 'boolean', default: false },
  plot: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  last: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
  launches: { type: 'string' },
  machine: { type: 'string' },
} as const;

/** @throws ArgumentsError */
export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parsed(argv);
  const { launches, only, machine, ...flags } = values;
  if (launches !== undefined && !/^[1-9]\d{0,2}$/.test(launches))
    throw new ArgumentsError(`--launches takes a number from 1 to 999, not '${launches}'`);
  if (flags.quick && (flags.write || flags.last))
    throw new ArgumentsError(`--quick is too coarse for --${flags.write ? 'write' : 'last'}`);
  const terms = only?.flatMap((list) => list.split(',')).map((term) => term.trim());
  return {
    ...flags,
    machine,
    launches: launches === undefined ? undefined : Number(launches),
    ...chosen(terms ?? []),
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false });
  } catch (error) {
    throw new ArgumentsError(error instanceof Error ? error.message : String(error));
  }
}

/** A term is of workloads where any has it, otherwise of variants. The baseline always runs along. */
function chosen(terms: readonly string[]): Pick<Arguments, 'workloads' | 'variants'> {
  const ofWorkloads = terms.filter((term) => workloadNames.some((name) => name.includes(term)));
  const ofVariants = terms.filter((term) => !ofWorkloads.includes(term));
  const unknown = ofVariants.find((term) => !variantNames.some((name) => name.includes(term)));
  if (unknown !== undefined || terms.includes(''))
    throw new ArgumentsError(`--only: no workload or variant has '${unknown ?? ''}' in its name; --help lists them`);
  const having = (names: readonly string[], parts: readonly string[]): readonly string[] | undefined =>
    parts.length === 0 ? undefined : names.filter((name) => parts.some((part) => name.includes(part)));
  return {
    workloads: having(workloadNames, ofWorkloads),
    variants: having(variantNames, ofVariants.length === 0 ? [] : [...ofVariants, baseline]),
  };
}
