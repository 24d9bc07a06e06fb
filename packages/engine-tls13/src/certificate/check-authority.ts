import { certificateRefused } from './certificate-refused.ts';
import { checkExtensions, checkPurpose, checkValidity } from './check-certificate.ts';
import type { ChainRules } from './judge-chain.ts';
import type { Certificate } from './parse-certificate.ts';

/**
 * May this certificate, an anchor or not, issue the last one of a path that begins with the leaf (RFC 5280 §6.1.4 (k) to (o))?
 * @throws CertificateError
 */
export function checkAuthority(
  issuer: Certificate,
  path: readonly Certificate[],
  { now, usage }: Pick<ChainRules, 'now' | 'usage'>,
): void {
  // (k): "If certificate i is a version 3 certificate, verify that the basicConstraints extension is present and that cA is set to TRUE."
  // Nothing outside says of older ones that they are authorities.
  const isAuthority = issuer.basicConstraints?.cA === true && (issuer.keyUsage?.keyCertSign ?? true);
  if (!isAuthority)
    throw certificateRefused('bad-certificate', 'a certificate in the chain is no authority and has issued another');
  // (l) and (m): those that are self-issued do not count.
  const between = path.slice(1).filter((each) => !each.isSelfIssued).length;
  if (between > (issuer.basicConstraints?.pathLenConstraint ?? Infinity))
    throw certificateRefused('bad-certificate', 'the chain is longer than an authority in it allows');
  checkValidity(issuer, now);
  checkExtensions(issuer);
  checkPurpose(issuer, usage);
}
