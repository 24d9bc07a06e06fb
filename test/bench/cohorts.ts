// Which processes are measured in turn. One that waits for minutes is slower when its turn comes: V8 has given back what it had learned,
// the memory of short-lived objects with it, and takes seconds to have it again. So few at a time: those that are compared with one
// another, and the baseline each time.
import { baseline, type VariantEntry } from './variants/catalogue.ts';

/** By the beginnings of their names; the first that fits has a variant. */
const cohorts: readonly (readonly string[])[] = [
  [
    'node:tls over duplex relay',
    'floor',
    'tls13Engine/node by hand',
    'nodeEngine over tcp',
    'tls13Engine/node over tcp',
  ],
  ['nodeEngine', 'tls13Engine/node', 'lemon-tls'],
  ['forgeEngine', 'node-forge'],
  ['tls13Engine/noble (client)', 'subtls', '@reclaimprotocol'],
];

const cohortOf = ({ name }: VariantEntry): number => {
  const found = cohorts.findIndex((names) => names.some((beginning) => name.startsWith(beginning)));
  return found < 0 ? cohorts.length : found;
};

/** The baseline stands in each; alone, where nothing else is measured. */
export function cohortsOf(variants: readonly VariantEntry[]): readonly (readonly VariantEntry[])[] {
  const base = variants.filter(({ name }) => name === baseline);
  const others = variants.filter(({ name }) => name !== baseline);
  const found = Array.from({ length: cohorts.length + 1 }, (_, at) =>
    others.filter((variant) => cohortOf(variant) === at),
  ).filter((members) => members.length > 0);
  return found.length === 0 ? [base] : found.map((members) => [...base, ...members]);
}
