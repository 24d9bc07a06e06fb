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

const has = (value: unknown, method: string): boolean =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';

/** A token of RFC 9110 §5.6.2, which is what RFC 6455 §4.1 lets a subprotocol be. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** The longest delay a timer takes everywhere. */
const longest = 2 ** 31 - 1;

export const rules: {
  readonly [kind in
    | 'port'
    | 'text'
    | 'path'
    | 'callback'
    | 'bytes'
    | 'milliseconds'
    | 'count'
    | 'protocols'
    | 'scheduler'
    | 'server'
    | 'object']: OptionRule;
} = {
  port: whole(0, 65_535),
  text: { must: 'be a string that is not empty', holds: (value) => typeof value === 'string' && value !== '' },
  path: {
    must: 'be a path that begins with / and has no query',
    holds: (value) => typeof value === 'string' && /^\/[^?#]*$/.test(value),
  },
  callback: { must: 'be a function', holds: (value) => typeof value === 'function' },
  bytes: whole(1, longest),
  milliseconds: whole(1, longest),
  count: whole(1, longest),
  protocols: {
    must: 'be an array of different subprotocol names (tokens of RFC 9110)',
    holds: (value) =>
      Array.isArray(value) &&
      value.every((each) => typeof each === 'string' && token.test(each)) &&
      new Set(value).size === value.length,
  },
  scheduler: { must: 'be an RxJS scheduler', holds: (value) => has(value, 'schedule') },
  server: {
    must: 'be a server of node:http or node:https',
    holds: (value) => has(value, 'on') && has(value, 'listen'),
  },
  object: { must: 'be an object', holds: (value) => typeof value === 'object' && value !== null },
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
