import type { SubjectPublicKey } from '../crypto/crypto-provider.ts';
import type { SignatureAlgorithm } from '../crypto/signature-scheme.ts';
import { type DerReader, derTag } from './der-reader.ts';
import { objectId } from './object-id.ts';
import { type AlgorithmIdentifier, algorithmIdentifier, isNull, pssAlgorithm } from './signature-algorithm.ts';

/** SubjectPublicKeyInfo after reading. */
export interface SubjectPublicKeyInfo {
  readonly der: Uint8Array;
  /** Undefined for an algorithm or a curve that is not spoken here. */
  readonly key: SubjectPublicKey | undefined;
  /** The only algorithm that may be used with the key, where it says so (RFC 4055 §3.3). */
  readonly onlyAlgorithm: SignatureAlgorithm | undefined;
}

/** No public exponent in use is longer; a long one costs whoever verifies. */
const maxExponentBytes = 4;

/** Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). Whether a point is on its curve, the provider says. @throws CertificateError */
export function subjectPublicKeyInfo(from: DerReader, field: string): SubjectPublicKeyInfo {
  const { encoded: der, content } = from.element(derTag.sequence, field);
  const info = from.nested(content, field);
  const algorithm = algorithmIdentifier(info.inside(derTag.sequence, 'algorithm'));
  const bits = info.bitStringBytes('subjectPublicKey');
  info.end();
  if (algorithm.id === objectId.ecPublicKey) return { der, key: ecKey(algorithm, bits, der), onlyAlgorithm: undefined };
  if (algorithm.id === objectId.ed25519) {
    const isKey = algorithm.parameters === undefined && bits.length === 32;
    return { der, key: isKey ? { type: 'ed25519', der, raw: bits } : undefined, onlyAlgorithm: undefined };
  }
  if (algorithm.id === objectId.rsaEncryption) {
    // RFC 3279 §2.3.1: "The parameters field MUST have ASN.1 type NULL for this algorithm identifier."
    if (algorithm.parameters === undefined || !isNull(algorithm.parameters))
      throw info.malformed('.algorithm.parameters of an RSA key are not NULL');
    return { der, key: rsaKey('rsa', info.nested(bits, 'subjectPublicKey'), der), onlyAlgorithm: undefined };
  }
  if (algorithm.id !== objectId.rsassaPss) return { der, key: undefined, onlyAlgorithm: undefined };
  const onlyAlgorithm = algorithm.parameters && pssAlgorithm(algorithm.parameters);
  const isSpoken = algorithm.parameters === undefined || onlyAlgorithm !== undefined;
  const key = isSpoken ? rsaKey('rsa-pss', info.nested(bits, 'subjectPublicKey'), der) : undefined;
  return { der, key, onlyAlgorithm };
}

const curves: ReadonlyMap<string, readonly ['p256' | 'p384', number]> = new Map([
  [objectId.prime256v1, ['p256', 65]],
  [objectId.secp384r1, ['p384', 97]],
] as const);

/** RFC 5480 §2.1.1: a named curve; RFC 8446 §4.2.8.2: of the forms of a point, the uncompressed one. */
function ecKey({ parameters }: AlgorithmIdentifier, point: Uint8Array, der: Uint8Array): SubjectPublicKey | undefined {
  if (parameters?.nextTag !== derTag.objectId) return undefined;
  const [type, length] = curves.get(parameters.objectId('namedCurve')) ?? [];
  return type !== undefined && point.length === length && point[0] === 4 ? { type, der, point } : undefined;
}

/** RSAPublicKey (RFC 8017 §A.1.1): "the modulus n" and "the public exponent e", both odd. */
function rsaKey(type: 'rsa' | 'rsa-pss', bits: DerReader, der: Uint8Array): SubjectPublicKey {
  const fields = bits.inside(derTag.sequence, 'rsaPublicKey');
  bits.end();
  const modulus = fields.unsigned('modulus');
  const exponent = fields.unsigned('publicExponent');
  fields.end();
  const isOdd = (number: Uint8Array): boolean => ((number.at(-1) ?? 0) & 1) === 1;
  const isExponent =
    isOdd(exponent) && exponent.length <= maxExponentBytes && (exponent.length > 1 || exponent[0] !== 1);
  if (!isOdd(modulus) || !isExponent) throw fields.malformed('is no RSA key');
  const bitsOfFirst = 32 - Math.clz32(modulus[0] ?? 0);
  return { type, der, modulus, exponent, bits: (modulus.length - 1) * 8 + bitsOfFirst };
}
