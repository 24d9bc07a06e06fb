import { CertificateError, type Limits, LimitExceededError } from '@rxtls/core/engine';
import { equalBytes } from '@rxtls/core/engine-parts';
import { type ParsedCertificate, parseCertificate } from './certificates.ts';
import type { TrustAnchors } from './trust-anchors.ts';

/** How a leaf leads to a trust anchor: the leaf first, the anchor last. One that is an anchor itself stands alone. */
export type TrustedPath = readonly [ParsedCertificate, ...ParsedCertificate[]];

export type KeyLimits = Pick<Limits, 'minRsaKeyBits' | 'maxRsaKeyBits'>;
export type PathLimits = KeyLimits & Pick<Limits, 'maxSignatureChecks'>;

/** No public exponent in use is longer; a long one costs whoever verifies. To the power of 1 everything is its own signature. */
const [minExponentBits, maxExponentBits] = [2, 32];

/**
 * The path from the peer's leaf to an anchor: each certificate shown is signed by the next, or by an anchor, which comes
 * first. Keys are judged before anything is verified with them.
 * @throws CertificateError, LimitExceededError
 */
export function trustedPath(shown: readonly Uint8Array[], trust: TrustAnchors, limits: PathLimits): TrustedPath {
  const certificates = withinBounds(shown, limits);
  let checks = 0;
  const issued = (issuer: ParsedCertificate, subject: ParsedCertificate): boolean => {
    if (!subject.certificate.isIssuer(issuer.certificate)) return false;
    // The anchors are ours, but a path may try many of them.
    if (++checks > limits.maxSignatureChecks)
      throw new LimitExceededError('maxSignatureChecks', 'the chain needs more signature checks than are allowed', {
        alert: 'bad_certificate',
      });
    return isSignedBy(issuer, subject);
  };
  const path: ParsedCertificate[] = [];
  for (const [index, subject] of certificates.entries()) {
    path.push(subject);
    if (trust.anchors.some(({ der }) => equalBytes(der, subject.der))) return path as [ParsedCertificate];
    const anchor = trust.anchors.find((each) => issued(each, subject));
    if (anchor !== undefined) return [...path, anchor] as unknown as TrustedPath;
    const next = certificates[index + 1];
    if (next === undefined || !issued(next, subject)) break;
  }
  throw refuse('unknown-authority', "the peer's certificates lead to no trust anchor");
}

/** Certificates whose keys can be used without harm, whoever judges them. @throws CertificateError */
export function withinBounds(shown: readonly Uint8Array[], limits: KeyLimits): readonly ParsedCertificate[] {
  const certificates = shown.map(readable);
  for (const { certificate } of certificates) checkKey(certificate.publicKey.n.bitLength(), limits);
  return certificates;
}

function readable(der: Uint8Array): ParsedCertificate {
  try {
    const parsed = parseCertificate(der);
    const bits = parsed.certificate.publicKey.e.bitLength();
    if (bits >= minExponentBits && bits <= maxExponentBits) return parsed;
  } catch {
    // node-forge's reasons may quote the certificate.
  }
  throw refuse('bad-certificate', 'a certificate of the peer cannot be read; node-forge knows RSA keys only');
}

function checkKey(bits: number, { minRsaKeyBits, maxRsaKeyBits }: KeyLimits): void {
  if (bits >= minRsaKeyBits && bits <= maxRsaKeyBits) return;
  throw refuse(
    'weak-key',
    `an RSA key of ${bits} bits in the peer's chain; ${minRsaKeyBits} to ${maxRsaKeyBits} are accepted`,
  );
}

function isSignedBy(issuer: ParsedCertificate, subject: ParsedCertificate): boolean {
  try {
    return issuer.certificate.verify(subject.certificate);
  } catch {
    // It throws for names that do not fit and signatures of a kind it does not know.
    return false;
  }
}

const refuse = (reason: CertificateError['reason'], message: string): CertificateError =>
  new CertificateError(reason, message, { phase: 'verification' });
