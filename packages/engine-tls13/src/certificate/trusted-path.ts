import { CertificateError, LimitExceededError } from '@rxtls/core/engine';
import { equalBytes } from '@rxtls/core/engine-parts';
import { checkAuthority } from './check-authority.ts';
import { checkNameConstraints } from './check-name-constraints.ts';
import { checkSigning } from './check-signing.ts';
import { certificateRefused } from './certificate-refused.ts';
import type { ChainRules } from './judge-chain.ts';
import type { KnownCertificates } from './known-certificates.ts';
import type { Certificate } from './parse-certificate.ts';
import type { SigningCertificate } from './signing-certificate.ts';

/** The leaf first, the anchor last. One that is an anchor itself stands alone. */
export type TrustedPath = readonly [Certificate, ...Certificate[]];

/**
 * A path from the leaf to an anchor (RFC 5280 §6.1, from the leaf up): whatever would break it above a certificate is
 * looked at before that is built on, and another way is tried (RFC 4158). Anchors come first, so a peer that shows more
 * than it needs costs nothing. The cheap checks stand before the signature, and every signature counts.
 * @param shown the leaf first, the others in any order.
 * @throws CertificateError of the first obstacle when there is no path, LimitExceededError
 */
export function trustedPath(
  leaf: Certificate,
  others: readonly SigningCertificate[],
  rules: ChainRules,
  known: KnownCertificates,
): TrustedPath {
  const { trust, limits } = rules;
  const work = { left: limits.maxNameConstraintComparisons, max: limits.maxNameConstraintComparisons };
  let checks = 0;
  let obstacle: CertificateError | undefined;

  const passes = (check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      obstacle ??= error;
      return false;
    }
  };

  const issued = (signing: SigningCertificate, path: TrustedPath): boolean => {
    const issuer = signing.certificate;
    const subject = path.at(-1) ?? leaf;
    const mayIssue = passes(() => {
      checkSigning(issuer, subject, rules);
      checkAuthority(issuer, path, rules);
    });
    if (!mayIssue) return false;
    if (++checks > limits.maxSignatureChecks) throw tooManyChecks(limits.maxSignatureChecks);
    if (!known.isSigned(subject, signing)) return false;
    return passes(() => checkNameConstraints(issuer, path, work));
  };

  const extend = (path: TrustedPath): TrustedPath | undefined => {
    const subject = path.at(-1) ?? leaf;
    const anchor = trust.named(subject.issuer).find((each) => issued(each, path))?.certificate;
    if (anchor !== undefined) return [...path, anchor];
    for (const issuer of others) {
      const { certificate } = issuer;
      if (!equalBytes(certificate.subject, subject.issuer) || path.some((each) => isSameEntity(each, certificate)))
        continue;
      const found = issued(issuer, path) ? extend([...path, certificate]) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  };

  const path = trust.has(leaf) ? ([leaf] as const) : extend([leaf]);
  if (path !== undefined) return path;
  throw obstacle ?? certificateRefused('unknown-authority', "the peer's certificates lead to no trust anchor");
}

/** RFC 4158 §2.4.1: a path that comes to the same name and key again is a loop, whatever the certificate. */
const isSameEntity = (one: Certificate, other: Certificate): boolean =>
  equalBytes(one.subject, other.subject) && equalBytes(one.publicKeyInfo, other.publicKeyInfo);

const tooManyChecks = (max: number): LimitExceededError =>
  new LimitExceededError(
    'maxSignatureChecks',
    `limits.maxSignatureChecks: the chain needs more than ${max} checks of signatures`,
    { phase: 'verification', alert: 'bad_certificate' },
  );
