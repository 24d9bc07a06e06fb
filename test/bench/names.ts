// What a run can be narrowed to.
import { full, type Plan, quick } from './plan.ts';
import { catalogue } from './variants/catalogue.ts';
import { workloads } from './workloads.ts';

export const firstConnection = 'first-connection';
export const firstByteUnit = 'first bytes';

/** The names under which idle connections are reported. */
export const idleNames = (count: number): { readonly rss: string; readonly heap: string } => ({
  rss: `idle-${count}-rss`,
  heap: `idle-${count}-heap`,
});

const idleOf = ({ idle }: Plan): string[] => idle.counts.flatMap((count) => Object.values(idleNames(count)));

export const workloadNames: readonly string[] = [
  ...workloads.map(({ name }) => name),
  ...new Set([...idleOf(full), ...idleOf(quick)]),
  firstConnection,
];
export const variantNames: readonly string[] = catalogue.map(({ name }) => name);
