import { ApiMisuseError, type TlsVersion, tlsVersions } from '@rxtls/core/engine';

/** The same options as an object that inherits nothing: Node reads options that it is not given from the prototype. */
export const inheritingNothing = <T extends object>(options: T): T => Object.assign(Object.create(null) as T, options);

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
