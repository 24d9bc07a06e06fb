import type { KnownCertificate } from './known-certificates.ts';
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
  const path: KnownCertificate[] = [];
  const certificates = shown.map((der) => trust.known.read(der));
  for (const [index, certificate] of certificates.entries()) {
    path.push(certificate);
    const anchors = anchorsAbove(certificate, trust, now);
    if (anchors !== undefined) return { chain: [...path, ...anchors].map(bytes), anchored: true };
    const issuer = certificates[index + 1];
    if (issuer === undefined || !certificate.isIssuedBy(issuer)) break;
  }
  return { chain: shown.slice(0, 1), anchored: false };
}

/** The anchors that a certificate leads to by way of anchors alone: none for an anchor itself. Undefined when it does not. */
function anchorsAbove(
  certificate: KnownCertificate,
  trust: TrustAnchors,
  now: number,
): readonly KnownCertificate[] | undefined {
  const above: KnownCertificate[] = [];
  const isAnchor = trust.candidates(certificate.der).some((anchor) => anchor.der.equals(certificate.der));
  for (let below = certificate; above.length < maxAnchors && !below.isSelfSigned; ) {
    const { issuerName } = below;
    const issuers = trust.candidates(issuerName).filter((anchor) => below.isIssuedBy(anchor));
    const anchor = issuers.find((one) => isValid(one, now)) ?? issuers[0];
    if (anchor === undefined) break;
    above.push(anchor);
    below = anchor;
  }
  return isAnchor || above.length > 0 ? above : undefined;
}

const isValid = ({ validity }: KnownCertificate, now: number): boolean => validity.from <= now && now <= validity.to;

const bytes = ({ der }: KnownCertificate): Uint8Array => new Uint8Array(der);
