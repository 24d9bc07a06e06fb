import type { Limits } from '@rxtls/core/engine';
import { matchesIdentity, type ReferenceIdentity } from '@rxtls/core/engine-parts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import type { SignatureSchemeName } from '../crypto/signature-scheme.ts';
import { certificateRefused } from './certificate-refused.ts';
import { checkExtensions, checkPurpose, checkValidity } from './check-certificate.ts';
import { checkKey } from './check-key.ts';
import { identityNames } from './identity-names.ts';
import { KnownCertificates } from './known-certificates.ts';
import type { Certificate } from './parse-certificate.ts';
import type { SigningCertificate } from './signing-certificate.ts';
import type { TrustAnchors } from './trust-anchors.ts';
import { trustedPath } from './trusted-path.ts';

/** What a chain is held against. */
export interface ChainRules {
  /** What the leaf must be for (RFC 5280 §4.2.1.12). */
  readonly usage: 'serverAuth' | 'clientAuth';
  /** Whom the leaf must name; a server does not ask for a name. */
  readonly identity?: ReferenceIdentity;
  readonly trust: TrustAnchors;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly limits: Pick<
    Limits,
    'maxChainLength' | 'minRsaKeyBits' | 'maxRsaKeyBits' | 'maxSignatureChecks' | 'maxNameConstraintComparisons'
  >;
  readonly crypto: Pick<CryptoProvider, 'publicKey'>;
  /** What a factory has read before; nothing where it is left out. */
  readonly known?: KnownCertificates;
  /** The schemes that certificates below an anchor may be signed with; all that are spoken where it is left out. */
  readonly allowedSchemes?: readonly SignatureSchemeName[];
}

/**
 * Judges the certificates a peer showed, the leaf first and the others in any order (RFC 8446 §4.4.2), and gives the path that
 * was proved: DER, from the leaf to the anchor. Revocation is not looked at.
 * @throws CertificateError, LimitExceededError
 */
export function judgeChain(shown: readonly Uint8Array[], rules: ChainRules): readonly Uint8Array[] {
  const { limits, usage } = rules;
  const known = rules.known ?? new KnownCertificates(rules.crypto);
  const all = readable(shown, rules, known);
  const leaf = all[0]?.certificate;
  if (leaf === undefined) throw missing(usage);
  for (const { certificate } of all) if (certificate.publicKey !== undefined) checkKey(certificate, limits);
  checkKey(leaf, limits);
  const path = trustedPath(leaf, all.slice(1), rules, known);
  checkLeaf(leaf, rules);
  known.proved(path);
  // Copies: what is known, and the anchors, are not the caller's to change.
  return path.map(({ der }) => new Uint8Array(der));
}

function readable(
  shown: readonly Uint8Array[],
  { limits }: ChainRules,
  known: KnownCertificates,
): readonly SigningCertificate[] {
  if (shown.length > limits.maxChainLength)
    throw certificateRefused('chain-too-long', `the peer's chain has more than ${limits.maxChainLength} certificates`);
  return shown.map((der) => known.read(der));
}

/** Last of all the leaf by itself, so that a chain that leads nowhere is always refused as one. */
function checkLeaf(leaf: Certificate, { identity, now, usage }: ChainRules): void {
  checkValidity(leaf, now);
  checkExtensions(leaf);
  checkPurpose(leaf, usage);
  // RFC 8446 §4.4.2.2: "If the keyUsage extension is present, then the digitalSignature bit MUST be set".
  if (leaf.keyUsage?.digitalSignature === false)
    throw certificateRefused('wrong-usage', "the peer's key may not be used for digitalSignature");
  if (identity !== undefined && !matchesIdentity(identityNames(leaf.subjectAltName ?? []), identity))
    throw certificateRefused('wrong-name', `the peer's certificate is not for ${identity.name}`);
}

function missing(usage: ChainRules['usage']): Error {
  // RFC 8446 §4.4.2.4: "If the server supplies an empty Certificate message, the client MUST abort the handshake with a
  // "decode_error" alert." A server answers `certificate_required`, for which the reason stands.
  const alert = usage === 'serverAuth' ? 'decode_error' : undefined;
  return certificateRefused('missing', 'the peer showed no certificate', alert);
}
