import type { KeyObject } from 'node:crypto';
import { defaultLimits } from '@rxtls/core/engine';

const curves: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1'];

/** What makes a public key one that peers refuse, in words for a message; nothing where it is good. */
export function keyWeakness(key: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  if (type === 'ed25519' || type === 'ed448') return undefined;
  if (type === 'rsa' || type === 'rsa-pss') {
    const { modulusLength: bits = 0 } = details;
    const { minRsaKeyBits: least, maxRsaKeyBits: most } = defaultLimits;
    return bits >= least && bits <= most ? undefined : `an RSA key of ${bits} bits, not ${least} to ${most}`;
  }
  if (type === 'ec') {
    const { namedCurve = 'of its own' } = details;
    return curves.includes(namedCurve) ? undefined : `a key on the curve ${namedCurve}, not P-256, P-384 or P-521`;
  }
  return `a key of the kind ${type ?? 'unknown'}, not RSA, ECDSA or EdDSA`;
}
