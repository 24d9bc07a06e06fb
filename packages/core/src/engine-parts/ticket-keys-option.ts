import { ApiMisuseError, maxPreviousTicketKeys, ticketKeyBytes } from '../engine/index.ts';
import { ownOptions } from './own-options.ts';

/**
 * Reads a server's option `ticketKeys`: copies, the current one first; `bare` judges a single array, which engines differ in.
 * CVE-2020-13777: a key of zeros is a key that everybody has. @throws ApiMisuseError; the message holds nothing of a key
 */
export function ticketKeysOption(
  value: unknown,
  bare: (key: Uint8Array) => string | undefined,
): readonly [Uint8Array, ...Uint8Array[]] | undefined {
  if (value === undefined) return undefined;
  if (value instanceof Uint8Array) return [checkedCopy(value, 'ticketKeys', bare)];
  if (typeof value !== 'object')
    throw new ApiMisuseError(`ticketKeys must be ${ticketKeyBytes} random bytes, or { current, previous }`);
  const { current, previous = [] } = ownOptions(value, ['current', 'previous'], 'ticketKeys');
  if (!Array.isArray(previous) || previous.length > maxPreviousTicketKeys)
    throw new ApiMisuseError(`ticketKeys.previous must be a list of at most ${maxPreviousTicketKeys} keys`);
  const keys: [Uint8Array, ...Uint8Array[]] = [checkedCopy(current, 'ticketKeys.current', ticketKeyProblem)];
  for (const [at, key] of (previous as readonly unknown[]).entries())
    keys.push(checkedCopy(key, `ticketKeys.previous[${at}]`, ticketKeyProblem));
  if (keys.some((key, at) => keys.slice(0, at).some((earlier) => isEqual(earlier, key))))
    throw new ApiMisuseError('ticketKeys holds one key twice: leave out of previous what is current');
  return keys;
}

/** What keeps 48 bytes from being a key, or undefined: a part of one repeated byte was not drawn at random. */
export function ticketKeyProblem(key: Uint8Array): string | undefined {
  if (key.length !== ticketKeyBytes) return `must be ${ticketKeyBytes} random bytes`;
  for (let at = 0; at < ticketKeyBytes; at += 16)
    if (isRepeated(key.subarray(at, at + 16))) return 'must be random: one byte repeated is no key';
  return undefined;
}

export const isRepeated = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === bytes[0]);

/** Secrets of one length: every byte is looked at. */
const isEqual = (one: Uint8Array, other: Uint8Array): boolean =>
  one.reduce((difference, byte, at) => difference | (byte ^ other[at]!), 0) === 0;

/** The copy is what is judged: the caller's array may be shared with somebody who writes. */
function checkedCopy(value: unknown, name: string, problemOf: (key: Uint8Array) => string | undefined): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new ApiMisuseError(`${name} must be ${ticketKeyBytes} random bytes`);
  const key = new Uint8Array(value);
  const problem = problemOf(key);
  if (problem !== undefined) throw new ApiMisuseError(`${name} ${problem}`);
  return key;
}
