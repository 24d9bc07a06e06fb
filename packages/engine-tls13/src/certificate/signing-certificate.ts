import { type SubjectAlternativeNames, subjectAlternativeNames } from '@rxtls/core/engine-parts';
import type { CryptoProvider, PublicKey } from '../crypto/crypto-provider.ts';
import type { Certificate } from './parse-certificate.ts';

/** A certificate, and what is made of it when it is first asked for. */
export interface SigningCertificate {
  readonly certificate: Certificate;
  /** With which others are verified; undefined for a key that is not spoken here. */
  readonly key: () => PublicKey | undefined;
  readonly names: () => SubjectAlternativeNames;
}

export function signingCertificate(
  certificate: Certificate,
  crypto: Pick<CryptoProvider, 'publicKey'>,
): SigningCertificate {
  const { publicKey, der } = certificate;
  let key: PublicKey | undefined;
  let names: SubjectAlternativeNames | undefined;
  return {
    certificate,
    key: () => publicKey && (key ??= crypto.publicKey(publicKey)),
    names: () => (names ??= subjectAlternativeNames(der)),
  };
}
