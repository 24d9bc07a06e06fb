import { type OptionRules, optionRules, wholeNumber } from '@rxtls/core/engine-parts';

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';

/** What options must be. */
export const rules: typeof optionRules & OptionRules<'highWater' | 'info'> = {
  ...optionRules,
  highWater: wholeNumber(0, 2 ** 31 - 1),
  info: {
    must: 'be an object of strings: { local, remote }',
    holds: (value) =>
      typeof value === 'object' &&
      value !== null &&
      isText((value as { local?: unknown }).local) &&
      isText((value as { remote?: unknown }).remote),
  },
};
