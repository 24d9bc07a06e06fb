import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { CertificateError, type CertificateFailureReason, type Limits } from '@rxtls/core/engine';
import { matchesIdentity, type ReferenceIdentity } from '@rxtls/core/engine-parts';
import type { KnownCertificate, KnownCertificates } from './known-certificates.ts';
import type { TrustAnchors } from './trust-anchors.ts';
import { type TrustedPath, trustedPath } from './trusted-path.ts';

/** What our own checks hold a chain against, whatever OpenSSL said of it. */
export interface ChainRules {
  /** The extended key usage the leaf must allow (RFC 5280 §4.2.1.12). */
  readonly usage: 'serverAuth' | 'clientAuth';
  /** Whom the leaf must name; a server does not ask for a name. */
  readonly identity?: ReferenceIdentity;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly limits: Pick<Limits, 'maxChainLength' | 'minRsaKeyBits' | 'maxRsaKeyBits'>;
  readonly known: KnownCertificates;
}

const usageIds = { serverAuth: '1.3.6.1.5.5.7.3.1', clientAuth: '1.3.6.1.5.5.7.3.2' } as const;
const anyUsageId = '2.5.29.37.0';

/**
 * The peer's certificates as Node links them, the leaf first; empty when the peer showed none. Only names and key
 * identifiers hold these links together: what is proved of them `provedChain` says. `getPeerX509Certificate` would give
 * certificates as sent, but takes the leaf off OpenSSL's own list each time it is called on a client.
 */
export function peerChain(
  socket: Pick<TLSSocket, 'getPeerCertificate'>,
  leaf: DetailedPeerCertificate = socket.getPeerCertificate(true),
): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let certificate = leaf;
  // A chain ends in a certificate that is its own issuer, or in one whose issuer is not known.
  while (certificate?.raw !== undefined && chain.length < 128) {
    chain.push(new Uint8Array(certificate.raw));
    if (certificate.issuerCertificate === undefined || certificate.issuerCertificate === certificate) break;
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

/**
 * What is proved of the certificates shown in a full handshake that OpenSSL accepts: the path to an anchor, else the leaf
 * alone. @throws CertificateError when there must be a path and is none.
 */
export function provedChain(
  shown: readonly Uint8Array[],
  trust: TrustAnchors,
  mustAnchor: boolean,
  rules: Pick<ChainRules, 'now' | 'limits'>,
): readonly Uint8Array[] {
  // `chainProblem` refuses such a chain, before there is any work with signatures.
  if (shown.length > rules.limits.maxChainLength) return shown;
  const path = readPath(shown, trust, rules.now);
  if (mustAnchor && !path.anchored)
    throw refuse('unknown-authority', "the peer's certificates lead to no trust anchor");
  return path.chain;
}

function readPath(shown: readonly Uint8Array[], trust: TrustAnchors, now: number): TrustedPath {
  try {
    return trustedPath(shown, trust, now);
  } catch {
    throw refuse('bad-certificate', 'a certificate of the peer cannot be read');
  }
}

/** What is wrong with the chain by our own rules, or undefined. The order is from cheap to dear, so that a flood costs little. */
export function chainProblem(chain: readonly Uint8Array[], rules: ChainRules): CertificateError | undefined {
  if (chain.length === 0) return refuse('missing', 'the peer showed no certificate');
  if (chain.length > rules.limits.maxChainLength)
    return refuse('chain-too-long', `the peer's chain has more than ${rules.limits.maxChainLength} certificates`);
  try {
    const certificates = chain.map((der) => rules.known.read(der));
    return (
      first(certificates, (certificate) => keyProblem(certificate, rules.limits)) ??
      first(certificates, (certificate) => validityProblem(certificate, rules.now)) ??
      usageProblem(certificates[0]?.x509, rules.usage) ??
      nameProblem(certificates[0], rules.identity)
    );
  } catch {
    return refuse('bad-certificate', 'a certificate of the peer cannot be read');
  }
}

function first(
  certificates: readonly KnownCertificate[],
  problem: (certificate: KnownCertificate) => CertificateError | undefined,
): CertificateError | undefined {
  for (const certificate of certificates) {
    const found = problem(certificate);
    if (found !== undefined) return found;
  }
  return undefined;
}

function keyProblem({ rsaBits: bits }: KnownCertificate, limits: ChainRules['limits']): CertificateError | undefined {
  if (bits === undefined) return undefined;
  if (bits >= limits.minRsaKeyBits && bits <= limits.maxRsaKeyBits) return undefined;
  return refuse(
    'weak-key',
    `an RSA key of ${bits} bits in the peer's chain; ${limits.minRsaKeyBits} to ${limits.maxRsaKeyBits} are accepted`,
  );
}

function validityProblem({ validity, x509 }: KnownCertificate, now: number): CertificateError | undefined {
  const { from, to } = validity;
  if (Number.isNaN(from) || Number.isNaN(to))
    return refuse('bad-certificate', 'a certificate without readable validity');
  if (now < from) return refuse('not-yet-valid', `a certificate of the peer is not valid before ${x509.validFrom}`);
  if (now > to) return refuse('expired', `a certificate of the peer expired on ${x509.validTo}`);
  return undefined;
}

function usageProblem(
  leaf: KnownCertificate['x509'] | undefined,
  usage: ChainRules['usage'],
): CertificateError | undefined {
  // Node gives the object identifiers of extKeyUsage; a certificate without that extension may be used for anything.
  const ids: readonly string[] | undefined = leaf?.keyUsage;
  if (ids === undefined || ids.length === 0 || ids.includes(usageIds[usage]) || ids.includes(anyUsageId))
    return undefined;
  return refuse('wrong-usage', `the peer's certificate is not for ${usage}`);
}

function nameProblem(
  leaf: KnownCertificate | undefined,
  identity: ReferenceIdentity | undefined,
): CertificateError | undefined {
  if (identity === undefined || leaf === undefined) return undefined;
  if (matchesIdentity(leaf.names, identity)) return undefined;
  return refuse('wrong-name', `the peer's certificate is not for ${identity.name}`);
}

const refuse = (reason: CertificateFailureReason, message: string): CertificateError =>
  new CertificateError(reason, message, { phase: 'verification' });

/** When the chain stops being valid, in milliseconds since 1970: the earliest notAfter. Undefined when that cannot be read. */
export function chainNotAfter(chain: readonly Uint8Array[], known: KnownCertificates): number | undefined {
  try {
    const notAfter = Math.min(...chain.map((der) => known.read(der).validity.to));
    return Number.isFinite(notAfter) ? notAfter : undefined;
  } catch {
    return undefined;
  }
}
