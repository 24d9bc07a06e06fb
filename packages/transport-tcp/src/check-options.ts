import { ApiMisuseError } from '@rxtls/core/engine';

/** What an option must be, in words for the message, and whether a value is that. */
export interface OptionRule {
  readonly must: string;
  readonly holds: (value: unknown) => boolean;
}

const whole = (least: number, most: number): OptionRule => ({
  must: `be an integer from ${least} to ${most}`,
  holds: (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most,
});

const ofType = (type: string, must: string): OptionRule => ({ must, holds: (value) => typeof value === type });

/** The longest delay a timer of Node's takes. */
const longest = 2 ** 31 - 1;

export const rules: {
  readonly [kind in 'port' | 'text' | 'flag' | 'callback' | 'bytes' | 'milliseconds' | 'count' | 'family']: OptionRule;
} = {
  port: whole(0, 65_535),
  text: { must: 'be a string that is not empty', holds: (value) => typeof value === 'string' && value !== '' },
  flag: ofType('boolean', 'be a boolean'),
  callback: ofType('function', 'be a function'),
  bytes: whole(1, Number.MAX_SAFE_INTEGER),
  milliseconds: whole(1, longest),
  count: whole(1, longest),
  family: { must: 'be 4 or 6', holds: (value) => value === 4 || value === 6 },
};

/** Throws `ApiMisuseError` for an unknown name or a value that is not what its rule says; `undefined` is as if absent. */
export function checkOptions(caller: string, options: object, known: { readonly [name: string]: OptionRule }): void {
  if (typeof options !== 'object' || options === null) throw new ApiMisuseError(`${caller}: options must be an object`);
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    if (!rule)
      throw new ApiMisuseError(`${caller}: there is no option ${name}; known are ${Object.keys(known).join(', ')}`);
    if (value !== undefined && !rule.holds(value)) throw new ApiMisuseError(`${caller}: ${name} must ${rule.must}`);
  }
}
