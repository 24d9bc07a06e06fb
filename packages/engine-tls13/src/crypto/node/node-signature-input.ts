import { constants, type KeyObject, type SigningOptions } from 'node:crypto';
import { type SignatureHash, type SignatureParameters, signatureHashBytes } from '../signature-parameters.ts';

/** The arguments of `sign` and `verify` beside message and signature. */
export interface SignatureInput {
  /** Null for Ed25519, which hashes by itself. */
  readonly hash: SignatureHash | null;
  readonly options: SigningOptions;
}

/** How `node:crypto` is asked for an algorithm; undefined when the key's own parameters forbid it. */
export function nodeSignatureInput(key: KeyObject, parameters: SignatureParameters): SignatureInput | undefined {
  if (parameters.kind === 'ed25519') return { hash: null, options: {} };
  const { kind, hash } = parameters;
  if (kind === 'ecdsa') return { hash, options: { dsaEncoding: 'der' } };
  if (kind === 'pkcs1') return { hash, options: { padding: constants.RSA_PKCS1_PADDING } };
  if (key.asymmetricKeyType === 'rsa-pss' && !mayHash(key, hash)) return undefined;
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
  return { hash, options: { padding, saltLength } };
}

/**
 * A key of id-RSASSA-PSS can name its hash, its MGF and its least salt (RFC 4055 §3.1). OpenSSL would take the key's MGF hash in silence, where
 * RFC 8446 §4.2.3 has: "The digest used in the mask generation function and the digest being signed are both the corresponding hash algorithm".
 */
function mayHash({ asymmetricKeyDetails = {} }: KeyObject, hash: SignatureHash): boolean {
  const { hashAlgorithm = hash, mgf1HashAlgorithm = hash, saltLength = 0 } = asymmetricKeyDetails;
  return hashAlgorithm === hash && mgf1HashAlgorithm === hash && saltLength <= signatureHashBytes[hash];
}
