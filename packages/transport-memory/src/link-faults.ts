import { ApiMisuseError } from '@rxtls/core/engine';

/** How a cut shows to the reader: an error at both ends, or an end that nobody sent (the writer notices nothing). */
export type CutKind = 'error' | 'end';

/**
 * What goes wrong on one direction of a link. Offsets count the bytes of that direction since the start. Everything can
 * be combined: bytes are joined by `coalesce`, flipped, cut or stalled at their offset, split by `fragment`, then delayed.
 */
export interface LinkFaults {
  /** Chunk sizes in bytes: one size, a list that is cycled through, or a function of the offset. */
  readonly fragment?: number | readonly number[] | ((offset: number) => number);
  /** Joins what is written within so many milliseconds after the first write to one chunk. */
  readonly coalesce?: number;
  /** Milliseconds between leaving the writer and reaching the reader; order is kept. The end and an abort are delayed too. */
  readonly delay?: number;
  /** Holds everything after so many bytes until the road is released. */
  readonly stallAfter?: number;
  /** Cuts the link after so many bytes. */
  readonly cutAfter?: { readonly bytes: number; readonly as: CutKind };
  /** Damages bytes on the way: the byte at the offset is xored with the mask (default 1). */
  readonly flip?: readonly { readonly at: number; readonly mask?: number }[];
  /** `demand` never says more than this many bytes (0 starves the writer). */
  readonly starve?: number;
}

const names: ReadonlySet<string> = new Set([
  'fragment',
  'coalesce',
  'delay',
  'stallAfter',
  'cutAfter',
  'flip',
  'starve',
]);

/** Throws `ApiMisuseError` for what makes no sense, so that a typo in a test is not a link without faults. */
export function checkFaults(faults: LinkFaults, road: string): LinkFaults {
  const misuse = (what: string): never => {
    throw new ApiMisuseError(`memoryPair: ${road}.${what}`);
  };
  for (const name of Object.keys(faults))
    if (!names.has(name)) misuse(`${name} is no fault: use ${[...names].join(', ')}`);
  const atLeast = (least: number, value: unknown, name: string): void => {
    if (typeof value !== 'number' || !(value >= least)) misuse(`${name} must be a number of at least ${least}`);
  };
  const { fragment, coalesce, delay, stallAfter, cutAfter, flip, starve } = faults;
  if (typeof fragment === 'number') atLeast(1, fragment, 'fragment');
  else if (Array.isArray(fragment)) {
    if (fragment.length === 0) misuse('fragment must name at least one size');
    for (const size of fragment) atLeast(1, size, 'fragment');
  } else if (fragment !== undefined && typeof fragment !== 'function')
    misuse('fragment must be a size, sizes or a function');
  if (coalesce !== undefined) atLeast(0, coalesce, 'coalesce');
  if (delay !== undefined) atLeast(0, delay, 'delay');
  if (stallAfter !== undefined) atLeast(0, stallAfter, 'stallAfter');
  if (starve !== undefined) atLeast(0, starve, 'starve');
  if (cutAfter !== undefined) {
    atLeast(0, cutAfter.bytes, 'cutAfter.bytes');
    if (cutAfter.as !== 'error' && cutAfter.as !== 'end') misuse(`cutAfter.as must be 'error' or 'end'`);
  }
  for (const { at, mask = 1 } of flip ?? []) {
    atLeast(0, at, 'flip.at');
    if (!Number.isInteger(mask) || mask < 1 || mask > 255) misuse('flip.mask must be an integer from 1 to 255');
  }
  return faults;
}
