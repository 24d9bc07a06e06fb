import type { Limits } from '@rxtls/core/engine';
import type { SubjectPublicKey } from '../crypto/crypto-provider.ts';
import { certificateRefused } from './certificate-refused.ts';
import type { Certificate } from './parse-certificate.ts';

/** The key of a certificate, if it is of a kind and size that is worked with. @throws CertificateError */
export function checkKey(
  { publicKey }: Certificate,
  { minRsaKeyBits, maxRsaKeyBits }: Pick<Limits, 'minRsaKeyBits' | 'maxRsaKeyBits'>,
): SubjectPublicKey {
  if (publicKey === undefined)
    throw certificateRefused(
      'bad-certificate',
      "a key in the peer's chain is of a kind that is not spoken here",
      'unsupported_certificate',
    );
  if (!('bits' in publicKey) || (publicKey.bits >= minRsaKeyBits && publicKey.bits <= maxRsaKeyBits)) return publicKey;
  throw certificateRefused(
    'weak-key',
    `an RSA key of ${publicKey.bits} bits in the peer's chain; ${minRsaKeyBits} to ${maxRsaKeyBits} are accepted`,
  );
}
