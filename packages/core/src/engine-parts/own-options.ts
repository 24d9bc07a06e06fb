import { ApiMisuseError } from '../engine/index.ts';
import type { VerifyPeer } from './peer-verification.ts';

/** A caller's options after reading: a copy of own properties, `undefined` meaning absent. */
export type OwnOptions<K extends string> = Readonly<Partial<Record<K, unknown>>>;

/**
 * Reads every own property once into an object without prototype, so that neither a polluted prototype nor a getter that
 * changes its mind reaches the engine. `null` is refused everywhere: it never means "off".
 * @throws ApiMisuseError for an unknown name, `null`, or options that are no object.
 */
export function ownOptions<K extends string>(options: unknown, names: readonly K[], where: string): OwnOptions<K> {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ApiMisuseError(`${where} needs an object of options`);
  const own = Object.create(null) as Record<string, unknown>;
  const known: readonly string[] = names;
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw new ApiMisuseError(
        `${where} has no option ${JSON.stringify(name.slice(0, 40))}; it knows ${[...known].sort().join(', ')}`,
      );
    const value: unknown = (options as Record<string, unknown>)[name];
    if (value === null) throw new ApiMisuseError(`${where}: ${name} must not be null; leave it out instead`);
    if (value !== undefined) own[name] = value;
  }
  return own as OwnOptions<K>;
}

/** True only for `true`; absent is false; anything else is refused. */
export function flag(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw new ApiMisuseError(`${name} must be true or false`);
  return value;
}

export function verifyOption(value: unknown, name: string): VerifyPeer | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw new ApiMisuseError(`${name} must be a function`);
  return value as VerifyPeer;
}

/** A port, which nothing connects to: 0 where it is left out. */
export function portOption(value: unknown): number {
  if (value === undefined) return 0;
  if (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 65_535) return Number(value);
  throw new ApiMisuseError('port must be a whole number up to 65535');
}
