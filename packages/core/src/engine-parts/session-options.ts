import { ApiMisuseError } from '../engine/index.ts';

/** Reads what an engine's `memorySessions` is given: how many sessions a store may keep. @throws ApiMisuseError */
export function sessionLimit(options: { readonly max?: number }): number {
  if (typeof options !== 'object' || options === null)
    throw new ApiMisuseError('memorySessions takes { max }, or nothing');
  const max = options.max ?? 256;
  if (!Number.isSafeInteger(max) || max < 1)
    throw new ApiMisuseError('memorySessions: max must be a whole number above 0');
  return max;
}

/**
 * Reads a client's option `sessions`: a store of that engine's own class, one for the factory alone where it is left out,
 * or none. @throws ApiMisuseError, for another engine's store too: what is in it is no session here
 */
export function sessionStoreOption<Store extends object>(
  value: unknown,
  storeClass: new (max: number) => Store,
): Store | undefined {
  if (value === undefined) return new storeClass(64);
  if (value === 'none') return undefined;
  if (value instanceof storeClass) return value;
  throw new ApiMisuseError("sessions must be a store made by memorySessions(), or 'none'");
}
