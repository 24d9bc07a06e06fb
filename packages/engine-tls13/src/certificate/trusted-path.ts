import { CertificateError, LimitExceededError } from '@rxtls/core/engine';
import { equalBytes } from '@rxtls/core/engine-parts';
import { checkAuthority } from './check-authority.ts';
import { checkNameConstraints } from './check-name-constraints.ts';
import { checkSigning } from './check-signing.ts';
import { certificateRefused } from './certificate-refused.ts';
import type { ChainRules } from './judge-chain.ts';
import type { Certificate } from './parse-certificate.ts';
import type { TrustAnchor } from './trust-anchors.ts';

/** The leaf first, the anchor last. One that is an anchor itself stands alone. */
export type TrustedPath = readonly [Certificate, ...Certificate[]];

/**
 * A path from the leaf to an anchor (RFC 5280 §6.1, from the leaf up): whatever would break it above a certificate is
 * looked at before that is built on, and another way is tried (RFC 4158). Anchors come first, so a peer that shows more
 * than it needs costs nothing. The cheap checks stand before the signature, and every signature counts.
 * @param shown the leaf first, the others in any order.
 * @throws CertificateError of the first obstacle when there is no path, LimitExceededError
 */
export function trustedPath(leaf: Certificate, others: readonly Certificate[], rules: ChainRules): TrustedPath {
  const { trust, limits, crypto } = rules;
  const work = { left: limits.maxNameConstraintComparisons, max: limits.maxNameConstraintComparisons };
  let checks = 0;
  let obstacle: CertificateError | undefined;

  const issued = (issuer: Certificate, key: () => TrustAnchor['key'], path: TrustedPath): boolean => {
    const subject = path.at(-1) ?? leaf;
    try {
      checkSigning(issuer, subject, rules);
      checkAuthority(issuer, path, rules);
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      obstacle ??= error;
      return false;
    }
    if (++checks > limits.maxSignatureChecks) throw tooManyChecks(limits.maxSignatureChecks);
    const algorithm = subject.signatureAlgorithm;
    if (algorithm === undefined || !key().verify(algorithm, subject.tbs, subject.signature)) return false;
    try {
      checkNameConstraints(issuer, path, work);
      return true;
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error;
      obstacle ??= error;
      return false;
    }
  };

  const extend = (path: TrustedPath): TrustedPath | undefined => {
    const subject = path.at(-1) ?? leaf;
    const anchor = trust
      .named(subject.issuer)
      .find((each) => issued(each.certificate, () => each.key, path))?.certificate;
    if (anchor !== undefined) return [...path, anchor];
    for (const issuer of others) {
      if (!equalBytes(issuer.subject, subject.issuer) || path.some((each) => isSameEntity(each, issuer))) continue;
      const { publicKey } = issuer;
      if (publicKey === undefined || !issued(issuer, () => crypto.publicKey(publicKey), path)) continue;
      const found = trust.has(issuer) ? ([...path, issuer] as const) : extend([...path, issuer]);
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
