import { ApiMisuseError } from '@rxtls/core/engine';
import { alpnList, ownOptions } from '@rxtls/core/engine-parts';
import { type CipherSuite, type CipherSuiteName, cipherSuite, type HashName } from './crypto/cipher-suite.ts';
import type { CryptoProvider } from './crypto/crypto-provider.ts';
import { type GroupName, groupNumber } from './crypto/named-group.ts';
import { type SignatureScheme, type SignatureSchemeName, signatureSchemes } from './crypto/signature-scheme.ts';
import type { LoadedPsk } from './external-psk.ts';
import type { RecordPadding } from './record/record-sender.ts';
import { maxInnerBytes, minRecordSizeLimit } from './record/inner-limit.ts';

/** Groups that are offered when nothing is said; X25519MLKEM768 is asked for by name. */
const defaultGroups: readonly GroupName[] = ['x25519', 'secp256r1', 'secp384r1'];

/** A list of names, each one of `known`, each once. @throws ApiMisuseError */
function namesOf<Name extends string>(value: unknown, option: string, known: readonly Name[]): readonly Name[] {
  const names: readonly unknown[] = Array.isArray(value) ? [...(value as readonly unknown[])] : [];
  const good = names.filter((name): name is Name => known.some((each) => each === name));
  if (names.length === 0 || good.length < names.length || new Set(good).size < good.length)
    throw new ApiMisuseError(`${option} must be a list of different names out of ${known.join(', ')}`);
  return Object.freeze(good);
}

/** Names in ASCII, as all that are registered: of others nobody could say which bytes are meant. @throws ApiMisuseError */
export function alpnOption(value: unknown): readonly string[] {
  const names = alpnList(value);
  if (names.every((name) => /^[\x20-\x7e]+$/.test(name))) return names;
  throw new ApiMisuseError('alpnProtocols must be names in ASCII');
}

/** The suites to offer, in order. @throws ApiMisuseError */
export function suitesOption(value: unknown, crypto: CryptoProvider): readonly CipherSuite[] {
  if (value === undefined) return crypto.cipherSuites;
  const known = crypto.cipherSuites.map(({ name }) => name);
  return namesOf<CipherSuiteName>(value, 'cipherSuites', known).map((name) => cipherSuite[name]);
}

/** The groups to offer, in order. @throws ApiMisuseError */
export function groupsOption(value: unknown, crypto: CryptoProvider): readonly GroupName[] {
  if (value === undefined) return defaultGroups;
  const all = Object.keys(groupNumber) as GroupName[];
  const groups = namesOf(value, 'groups', all);
  const lacking = groups.find((name) => !crypto.groups.includes(name));
  if (lacking !== undefined)
    throw new ApiMisuseError(`groups: ${lacking} needs a crypto provider that has it; see postQuantum in the README`);
  return groups;
}

/** The signature schemes to offer, in order. @throws ApiMisuseError */
export function schemesOption(value: unknown): readonly SignatureScheme[] {
  if (value === undefined) return signatureSchemes;
  const names = namesOf<SignatureSchemeName>(
    value,
    'signatureAlgorithms',
    signatureSchemes.map(({ name }) => name),
  );
  const schemes = names.flatMap((name) => signatureSchemes.filter((each) => each.name === name));
  if (!schemes.some(({ inHandshake }) => inHandshake))
    throw new ApiMisuseError('signatureAlgorithms must hold one that may sign a handshake, not PKCS #1 v1.5 alone');
  return schemes;
}

/** RFC 8449 §4: 64 to 2^14 + 1 bytes. @throws ApiMisuseError */
export function recordSizeLimitOption(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isInteger(value) && Number(value) >= minRecordSizeLimit && Number(value) <= maxInnerBytes)
    return Number(value);
  throw new ApiMisuseError(`recordSizeLimit must be a whole number from ${minRecordSizeLimit} to ${maxInnerBytes}`);
}

/** @throws ApiMisuseError */
export function paddingOption(value: unknown): RecordPadding | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'function') throw new ApiMisuseError('padding must be a function');
  return value as RecordPadding;
}

/** Reads and copies pre-shared keys. @throws ApiMisuseError; the message holds nothing of a key */
export function externalPsksOption(value: unknown, option: string): readonly LoadedPsk[] {
  if (value === undefined) return [];
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  const psks = given.map((each) => externalPsk(each, option));
  const names = new Set(psks.map(({ identity }) => identity.join()));
  if (psks.length === 0 || names.size < psks.length)
    throw new ApiMisuseError(`${option} must hold at least one key, each with an identity of its own`);
  return psks;
}

function externalPsk(value: unknown, option: string): LoadedPsk {
  const { identity, key, hash = 'sha256' } = ownOptions(value, ['identity', 'key', 'hash'], option);
  if (!(identity instanceof Uint8Array) || identity.length < 1 || identity.length > 0xffff)
    throw new ApiMisuseError(`${option}.identity must be 1 to 65535 bytes`);
  // RFC 9257 §6: "Each PSK SHOULD be derived from at least 128 bits of entropy".
  if (!(key instanceof Uint8Array) || key.length < 16 || key.every((byte) => byte === key[0]))
    throw new ApiMisuseError(`${option}.key must be at least 16 random bytes: a password is no key`);
  if (hash !== 'sha256' && hash !== 'sha384') throw new ApiMisuseError(`${option}.hash must be 'sha256' or 'sha384'`);
  return { identity: new Uint8Array(identity), key: new Uint8Array(key), hash: hash satisfies HashName };
}
