import { ApiMisuseError, type TlsVersion, tlsVersions } from '@rxtls/core/engine';
import type { VerifyPeer } from '@rxtls/core/engine-parts';

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

/** The same options as an object that inherits nothing: Node reads options that it is not given from the prototype. */
export const inheritingNothing = <T extends object>(options: T): T => Object.assign(Object.create(null) as T, options);

/** True only for `true`; absent is false; anything else is refused. */
export function flag(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw new ApiMisuseError(`${name} must be true or false`);
  return value;
}

function text(value: unknown, name: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value === '') throw new ApiMisuseError(`${name} must be a string that is not empty`);
  return value;
}

/** A colon separated list for OpenSSL, from a string or a list of names. */
export function nameList(value: unknown, name: string): string | undefined {
  if (!Array.isArray(value)) return text(value, name);
  const names: readonly unknown[] = value;
  if (names.length === 0 || !names.every((item) => typeof item === 'string' && /^[\w.+@=-]+$/.test(item)))
    throw new ApiMisuseError(`${name} must be a list of names that is not empty`);
  return names.join(':');
}

/** @throws ApiMisuseError for OpenSSL's security level 0, the only one that has ciphers without secrecy or certificates. */
export function cipherList(value: unknown, legacy: boolean): string | undefined {
  const ciphers = nameList(value, 'ciphers');
  if (!legacy && ciphers !== undefined && /@SECLEVEL=0/i.test(ciphers))
    throw new ApiMisuseError('ciphers: @SECLEVEL=0 needs dangerouslyAllowLegacyVersions: true');
  return ciphers;
}

/** RFC 7301 §3.1: "Protocol names MUST NOT be empty" and are at most 255 bytes. */
export function alpnList(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const protocols: readonly unknown[] = Array.isArray(value) ? [...(value as readonly unknown[])] : [];
  const isName = (item: unknown): item is string =>
    typeof item === 'string' && item !== '' && Buffer.byteLength(item) <= 255;
  if (protocols.length === 0 || !protocols.every(isName))
    throw new ApiMisuseError('alpnProtocols must be a list of names of 1 to 255 bytes that is not empty');
  return Object.freeze(protocols);
}

export function verifyOption(value: unknown, name: string): VerifyPeer | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw new ApiMisuseError(`${name} must be a function`);
  return value as VerifyPeer;
}

/** The versions asked for; TLS 1.0 and 1.1 only where the danger is spelled out. */
export function versionOptions(min: unknown, max: unknown, legacy: boolean): { min: TlsVersion; max: TlsVersion } {
  const versions = { min: version(min, 'minVersion') ?? 'TLSv1.2', max: version(max, 'maxVersion') ?? 'TLSv1.3' };
  const minAt = tlsVersions.indexOf(versions.min);
  if (minAt < tlsVersions.indexOf(versions.max)) throw new ApiMisuseError('minVersion is above maxVersion');
  if (minAt > tlsVersions.indexOf('TLSv1.2') && !legacy)
    throw new ApiMisuseError(`${versions.min} needs dangerouslyAllowLegacyVersions: true`);
  return versions;
}

function version(value: unknown, name: string): TlsVersion | undefined {
  if (value === undefined) return undefined;
  const found = tlsVersions.find((known) => known === value);
  if (found === undefined) throw new ApiMisuseError(`${name} must be one of ${tlsVersions.join(', ')}`);
  return found;
}
