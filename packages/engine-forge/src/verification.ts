import { CertificateError, type CertificateFailureReason, type Limits } from '@rxtls/core/engine';
import { matchesIdentity, type ReferenceIdentity, subjectAlternativeNames } from '@rxtls/core/engine-parts';
import { toBinaryString } from './binary-string.ts';
import type { ParsedCertificate } from './certificates.ts';
import { checkEncoding } from './check-encoding.ts';
import { type ForgeCertificate, type ForgeExtension, library } from './forge-library.ts';
import { checkNameConstraintWork } from './name-constraint-work.ts';
import type { TrustAnchors } from './trust-anchors.ts';
import { type TrustedPath, trustedPath, withinBounds } from './trusted-path.ts';

/** What a chain is held against. */
export interface ChainRules {
  /** What the leaf must be for (RFC 5280 §4.2.1.12). */
  readonly usage: 'serverAuth' | 'clientAuth';
  /** Whom the leaf must name; a server does not ask for a name. */
  readonly identity?: ReferenceIdentity;
  readonly trust: TrustAnchors;
  readonly allowSha1: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly limits: Limits;
}

const ids = {
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extKeyUsage: '2.5.29.37',
  anyExtendedKeyUsage: '2.5.29.37.0',
} as const;

/** The key exchange encrypts to a server's key and has a client sign (RFC 4346 §7.4.2, §7.4.8). */
const keyUse = { serverAuth: 'keyEncipherment', clientAuth: 'digitalSignature' } as const;

const sha1WithRsa = '1.2.840.113549.1.1.5';
/** RSA with SHA-2 (RFC 4055 §5). RSASSA-PSS is as good as its parameters, any hash for one, and unknown to peers this old. */
const goodSignatures: readonly string[] = [11, 12, 13].map((each) => `1.2.840.113549.1.1.${each}`);

/**
 * Judges the certificates a peer showed, the leaf first, and gives the path that was proved.
 * @throws CertificateError, LimitExceededError
 */
export function judgeChain(shown: readonly Uint8Array[], rules: ChainRules): readonly Uint8Array[] {
  const { limits, now, trust } = rules;
  if (shown.length === 0) throw refuse('missing', 'the peer showed no certificate', 'handshake_failure');
  checkLength(shown, limits);
  const path = trustedPath(shown, trust, limits);
  for (const { certificate } of path) checkValidity(certificate, now);
  for (const { certificate } of path) checkExtensions(certificate);
  for (const signed of path.slice(0, -1)) {
    checkEncoding(signed, Object.values(ids));
    checkSignature(signed.certificate, rules.allowSha1);
  }
  for (const [index, { certificate }] of path.entries()) if (index > 0) checkAuthority(certificate, index - 1);
  for (const { certificate } of path) checkPurpose(certificate, rules.usage);
  checkKeyUsage(path[0].certificate, rules.usage);
  if (rules.identity !== undefined && !matchesIdentity(subjectAlternativeNames(path[0].der), rules.identity))
    throw refuse('wrong-name', `the peer's certificate is not for ${rules.identity.name}`);
  checkNameConstraints(path, rules);
  // Copies: the anchors are not the caller's to change.
  return path.map(({ der }) => new Uint8Array(der));
}

/**
 * What still holds where a user's function judges instead, after the key exchange: RSA with a key of 20 000 bits and an
 * exponent as long takes minutes.
 * @throws CertificateError
 */
export function boundChain(shown: readonly Uint8Array[], limits: Limits): readonly Uint8Array[] {
  checkLength(shown, limits);
  return withinBounds(shown, { ...limits, minRsaKeyBits: 0 }).map(({ der }) => der);
}

function checkLength(shown: readonly Uint8Array[], { maxChainLength }: Limits): void {
  if (shown.length > maxChainLength)
    throw refuse('chain-too-long', `the peer's chain has more than ${maxChainLength} certificates`);
}

function checkValidity({ validity }: ForgeCertificate, now: number): void {
  const from = validity.notBefore.getTime();
  const to = validity.notAfter.getTime();
  if (Number.isNaN(from) || Number.isNaN(to))
    throw refuse('bad-certificate', 'a certificate without readable validity');
  if (now < from) throw refuse('not-yet-valid', 'a certificate of the peer is not valid yet');
  if (now > to) throw refuse('expired', 'a certificate of the peer has expired');
}

/** RFC 5280 §4.2: an extension at most once; "reject the certificate if it encounters a critical extension it does not recognize". */
function checkExtensions({ extensions }: ForgeCertificate): void {
  const known: readonly string[] = Object.values(ids);
  const seen = new Set<string>();
  for (const { id, critical } of extensions) {
    if (seen.has(id)) throw refuse('bad-certificate', 'a certificate of the peer repeats an extension');
    if (critical && !known.includes(id))
      throw refuse('bad-certificate', 'a certificate of the peer has a critical extension that is not known here');
    seen.add(id);
  }
}

function checkSignature({ signatureOid, siginfo }: ForgeCertificate, allowSha1: boolean): void {
  // RFC 5280 §4.1.1.2: "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertificate".
  if (signatureOid !== siginfo.algorithmOid)
    throw refuse('bad-certificate', 'a certificate of the peer names two signature algorithms');
  if (goodSignatures.includes(signatureOid) || (allowSha1 && signatureOid === sha1WithRsa)) return;
  throw refuse(
    'bad-certificate',
    signatureOid === sha1WithRsa
      ? 'a certificate of the peer is signed with SHA-1; dangerouslyAllowSha1Signatures accepts that'
      : 'a certificate of the peer is signed with an algorithm that is not accepted',
  );
}

/** RFC 5280 §6.1.4 (k) to (n): may this certificate issue others, with that many authorities between it and the leaf? */
function checkAuthority(certificate: ForgeCertificate, between: number): void {
  const constraints = extension(certificate, ids.basicConstraints);
  const usage = extension(certificate, ids.keyUsage);
  const length = constraints?.['pathLenConstraint'];
  const isAuthority = constraints?.['cA'] === true && (usage === undefined || usage['keyCertSign'] === true);
  if (!isAuthority)
    throw refuse('bad-certificate', 'a certificate in the chain is no authority and has issued another');
  if (typeof length === 'number' && between > length)
    throw refuse('bad-certificate', 'the chain is longer than an authority in it allows');
}

/** node-forge's own check of the path, for name constraints; what it cannot do in critical extensions is done here. */
function checkNameConstraints(path: TrustedPath, { identity, now, limits }: ChainRules): void {
  if (path.length === 1) return;
  if (identity !== undefined) constrainIdentity(path[0].certificate, identity);
  checkNameConstraintWork(
    path.map(({ der }) => der),
    limits.maxNameConstraintComparisons,
  );
  for (const { certificate } of path)
    for (const each of certificate.extensions)
      if (each.id === ids.extKeyUsage || each.id === ids.subjectAltName) each.critical = false;
  try {
    const chain = path.map(({ certificate }: ParsedCertificate) => certificate);
    const store = library.pki.createCaStore(chain.slice(-1));
    if (library.pki.verifyCertificateChain(store, chain, { validityCheckDate: new Date(now) })) return;
  } catch {
    // node-forge throws objects of its own, with texts that may quote the certificate.
  }
  throw refuse('bad-certificate', 'node-forge refuses the chain: constraints on names, or a key that may not sign');
}

/**
 * The name that was asked for is held against the constraints like those in the certificate: a wildcard may stand for a name
 * in an excluded subtree without being in it.
 */
function constrainIdentity(leaf: ForgeCertificate, identity: ReferenceIdentity): void {
  const names = extension(leaf, ids.subjectAltName)?.['altNames'];
  if (!Array.isArray(names)) throw refuse('bad-certificate', 'node-forge finds no names in the certificate');
  names.push(
    identity.kind === 'dns' ? { type: 2, value: identity.name } : { type: 7, value: toBinaryString(identity.address) },
  );
}

/** RFC 5280 §4.2.1.12; an authority for something else does not issue for this, as OpenSSL and browsers have it. */
function checkPurpose(certificate: ForgeCertificate, usage: ChainRules['usage']): void {
  const purposes = extension(certificate, ids.extKeyUsage);
  if (purposes !== undefined && purposes[usage] !== true && purposes[ids.anyExtendedKeyUsage] !== true)
    throw refuse('wrong-usage', `a certificate of the peer is not for ${usage}`);
}

function checkKeyUsage(leaf: ForgeCertificate, usage: ChainRules['usage']): void {
  const uses = extension(leaf, ids.keyUsage);
  if (uses !== undefined && uses[keyUse[usage]] !== true)
    throw refuse('wrong-usage', `the peer's key may not be used for ${keyUse[usage]}, as TLS before 1.2 does`);
}

const extension = ({ extensions }: ForgeCertificate, id: string): ForgeExtension | undefined =>
  extensions.find((each) => each.id === id);

const refuse = (reason: CertificateFailureReason, message: string, alert?: 'handshake_failure'): CertificateError =>
  new CertificateError(reason, message, { phase: 'verification', ...(alert === undefined ? {} : { alert }) });
