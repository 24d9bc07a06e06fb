import { certificateRefused } from './certificate-refused.ts';
import type { ChainRules } from './judge-chain.ts';
import { objectId } from './object-id.ts';
import type { Certificate } from './parse-certificate.ts';

/** RFC 5280 §6.1.3 (a) (2). @throws CertificateError */
export function checkValidity({ notBefore, notAfter }: Certificate, now: number): void {
  if (now < notBefore) throw certificateRefused('not-yet-valid', 'a certificate of the peer is not valid yet');
  // RFC 5280 §4.1.2.5: "the period of time from notBefore through notAfter, inclusive".
  if (now > notAfter) throw certificateRefused('expired', 'a certificate of the peer has expired');
}

/** RFC 5280 §4.2: "reject the certificate if it encounters a critical extension it does not recognize". @throws CertificateError */
export function checkExtensions({ unknownCritical }: Certificate): void {
  if (unknownCritical.length === 0) return;
  throw certificateRefused(
    'bad-certificate',
    'a certificate of the peer has a critical extension that is not known here',
  );
}

/** RFC 5280 §4.2.1.12; an authority that has the extension issues for nothing else. @throws CertificateError */
export function checkPurpose({ extKeyUsage }: Certificate, usage: ChainRules['usage']): void {
  if (extKeyUsage === undefined) return;
  if (extKeyUsage.includes(objectId[usage]) || extKeyUsage.includes(objectId.anyExtendedKeyUsage)) return;
  throw certificateRefused('wrong-usage', `a certificate of the peer is not for ${usage}`);
}
