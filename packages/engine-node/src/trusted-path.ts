import { X509Certificate } from 'node:crypto';
import { derElements } from '@rxtls/core/engine-parts';
import type { TrustAnchors } from './trust-anchors.ts';

/** How a leaf leads to a trust anchor. */
export interface TrustedPath {
  /** DER, from the leaf to the last anchor; the leaf alone where there is no such path. */
  readonly chain: readonly Uint8Array[];
  readonly anchored: boolean;
}

/** No path of anchors is longer: they may have issued one another in a ring. */
const maxAnchors = 8;

/**
 * The path from the peer's leaf to an anchor, each signature checked. Node links the certificates that the peer sent by
 * their names alone, and takes them before those OpenSSL trusts: whoever has one good certificate can have it shown
 * below any authority, and an expired cross certificate that OpenSSL had no need of stands in the chain. Anchors come
 * first here, as they do in OpenSSL. @throws when a certificate cannot be read.
 */
export function trustedPath(shown: readonly Uint8Array[], trust: TrustAnchors, now: number): TrustedPath {
  const path: X509Certificate[] = [];
  const certificates = shown.map((der) => new X509Certificate(der));
  for (const [index, certificate] of certificates.entries()) {
    path.push(certificate);
    const anchors = anchorsAbove(certificate, trust, now);
    if (anchors !== undefined) return { chain: [...path, ...anchors].map(bytes), anchored: true };
    const issuer = certificates[index + 1];
    if (issuer === undefined || !issued(issuer, certificate)) break;
  }
  return { chain: shown.slice(0, 1), anchored: false };
}

/** The anchors that a certificate leads to by way of anchors alone: none for an anchor itself. Undefined when it does not. */
function anchorsAbove(
  certificate: X509Certificate,
  trust: TrustAnchors,
  now: number,
): readonly X509Certificate[] | undefined {
  const above: X509Certificate[] = [];
  const isAnchor = trust.candidates(certificate.raw).some((anchor) => anchor.raw.equals(certificate.raw));
  for (let below = certificate; above.length < maxAnchors && !issued(below, below); ) {
    const issuers = trust.candidates(issuerName(below.raw)).filter((anchor) => issued(anchor, below));
    const anchor = issuers.find((one) => isValid(one, now)) ?? issuers[0];
    if (anchor === undefined) break;
    above.push(anchor);
    below = anchor;
  }
  return isAnchor || above.length > 0 ? above : undefined;
}

const isValid = (certificate: X509Certificate, now: number): boolean =>
  Date.parse(certificate.validFrom) <= now && now <= Date.parse(certificate.validTo);

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  try {
    return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
  } catch {
    // A key OpenSSL cannot use has signed nothing.
    return false;
  }
}

/** What is inside the issuer's Name (RFC 5280 §4.1): after version, serial number and algorithm. @throws */
function issuerName(certificate: Uint8Array): Buffer {
  const tbs = derElements(derElements(certificate)?.[0]?.content ?? certificate)?.[0]?.content;
  const fields = tbs && derElements(tbs);
  const name = fields?.[fields[0]?.tag === 0xa0 ? 3 : 2]?.content;
  if (name === undefined) throw new TypeError('a certificate without an issuer');
  return Buffer.from(name);
}

const bytes = ({ raw }: X509Certificate): Uint8Array => new Uint8Array(raw);
