import { type OptionRules, optionRules } from '@rxtls/core/engine-parts';

const has = (value: unknown, method: string): boolean =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';

/** A token of RFC 9110 §5.6.2, which is what RFC 6455 §4.1 lets a subprotocol be. */
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** What options must be. */
export const rules: typeof optionRules & OptionRules<'path' | 'protocols' | 'scheduler' | 'server' | 'object'> = {
  ...optionRules,
  path: {
    must: 'be a path that begins with / and has no query',
    holds: (value) => typeof value === 'string' && /^\/[^?#]*$/.test(value),
  },
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
