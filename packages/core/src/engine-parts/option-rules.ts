/** What an option must be, in words for the message, and whether a value is that. */
export interface OptionRule {
  readonly must: string;
  readonly holds: (value: unknown) => boolean;
}

export type OptionRules<Kind extends string> = { readonly [kind in Kind]: OptionRule };

export const wholeNumber = (least: number, most: number): OptionRule => ({
  must: `be an integer from ${least} to ${most}`,
  holds: (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
});

/** The longest delay a timer takes, in milliseconds, and the most bytes a window has. */
const longest = 2 ** 31 - 1;

/** Rules of what many transports have, for {@link checkOptions}. */
export const optionRules: OptionRules<'port' | 'text' | 'flag' | 'callback' | 'bytes' | 'milliseconds' | 'count'> = {
  port: wholeNumber(0, 65_535),
  text: { must: 'be a string that is not empty', holds: (value) => typeof value === 'string' && value !== '' },
  flag: { must: 'be a boolean', holds: (value) => typeof value === 'boolean' },
  callback: { must: 'be a function', holds: (value) => typeof value === 'function' },
  bytes: wholeNumber(1, longest),
  milliseconds: wholeNumber(1, longest),
  count: wholeNumber(1, longest),
};
