import type { KeyObject } from 'node:crypto';
import type { KeyType } from '../signature-scheme.ts';

/** The kind of a key, or undefined for one that TLS 1.3 has no signature scheme for here. */
export function nodeKeyType({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): KeyType | undefined {
  if (asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss' || asymmetricKeyType === 'ed25519')
    return asymmetricKeyType;
  if (asymmetricKeyType !== 'ec') return undefined;
  if (asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'p256';
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'p384' : undefined;
}
