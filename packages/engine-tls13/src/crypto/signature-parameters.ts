import type { KeyType, SignatureAlgorithm } from './signature-scheme.ts';

export type SignatureHash = 'sha256' | 'sha384' | 'sha512';

/** What an algorithm does, and with which hash. */
export type SignatureParameters =
  | { readonly kind: 'ecdsa' | 'pkcs1' | 'pss'; readonly hash: SignatureHash }
  | { readonly kind: 'ed25519' };

/** Output bytes, and so the bytes of a PSS salt (RFC 8446 §4.2.3). */
export const signatureHashBytes: Readonly<Record<SignatureHash, number>> = { sha256: 32, sha384: 48, sha512: 64 };

const parameters: Readonly<Record<SignatureAlgorithm, SignatureParameters>> = {
  'ecdsa-sha256': { kind: 'ecdsa', hash: 'sha256' },
  'ecdsa-sha384': { kind: 'ecdsa', hash: 'sha384' },
  'ecdsa-sha512': { kind: 'ecdsa', hash: 'sha512' },
  'rsa-pkcs1-sha256': { kind: 'pkcs1', hash: 'sha256' },
  'rsa-pkcs1-sha384': { kind: 'pkcs1', hash: 'sha384' },
  'rsa-pkcs1-sha512': { kind: 'pkcs1', hash: 'sha512' },
  'rsa-pss-sha256': { kind: 'pss', hash: 'sha256' },
  'rsa-pss-sha384': { kind: 'pss', hash: 'sha384' },
  'rsa-pss-sha512': { kind: 'pss', hash: 'sha512' },
  ed25519: { kind: 'ed25519' },
};

const kinds: Readonly<Record<KeyType, readonly SignatureParameters['kind'][]>> = {
  p256: ['ecdsa'],
  p384: ['ecdsa'],
  // RFC 4055 §1.2: a key of rsaEncryption goes with both; one of id-RSASSA-PSS with PSS alone
  rsa: ['pkcs1', 'pss'],
  'rsa-pss': ['pss'],
  ed25519: ['ed25519'],
};

/** The parameters of an algorithm, or undefined when a key of that type has no part in it. */
export function signatureParameters(type: KeyType, algorithm: SignatureAlgorithm): SignatureParameters | undefined {
  const found = parameters[algorithm];
  return kinds[type].includes(found.kind) ? found : undefined;
}
