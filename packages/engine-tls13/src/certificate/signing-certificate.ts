import type { CryptoProvider, PublicKey } from '../crypto/crypto-provider.ts';
import type { Certificate } from './parse-certificate.ts';

/** A certificate with whose key others are verified. */
export interface SigningCertificate {
  readonly certificate: Certificate;
  /** Made when it is first asked for; undefined for a key that is not spoken here. */
  readonly key: () => PublicKey | undefined;
}

export function signingCertificate(
  certificate: Certificate,
  crypto: Pick<CryptoProvider, 'publicKey'>,
): SigningCertificate {
  const { publicKey } = certificate;
  let key: PublicKey | undefined;
  return { certificate, key: () => publicKey && (key ??= crypto.publicKey(publicKey)) };
}
