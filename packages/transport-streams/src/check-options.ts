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

const isText = (value: unknown): boolean => value === undefined || typeof value === 'string';

/** The longest delay a timer takes, and the most bytes a window has. */
const longest = 2 ** 31 - 1;

export const rules: {
  readonly [kind in 'bytes' | 'highWater' | 'milliseconds' | 'flag' | 'callback' | 'info']: OptionRule;
} = {
  bytes: whole(1, longest),
  highWater: whole(0, longest),
  milliseconds: whole(1, longest),
  flag: { must: 'be a boolean', holds: (value) => typeof value === 'boolean' },
  callback: { must: 'be a function', holds: (value) => typeof value === 'function' },
  info: {
    must: 'be an object of strings: { local, remote }',
    holds: (value) =>
      typeof value === 'object' &&
      value !== null &&
      isText((value as { local?: unknown }).local) &&
      isText((value as { remote?: unknown }).remote),
  },
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

/** Throws `ApiMisuseError` unless a value has these methods. */
export function checkShape(caller: string, value: unknown, what: string, methods: readonly string[]): void {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  const missing = methods.find((name) => !isObject || typeof Reflect.get(value, name) !== 'function');
  if (missing !== undefined) throw new ApiMisuseError(`${caller} takes ${what}; this has no ${missing}()`);
}
