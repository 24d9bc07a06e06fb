import type { KeyObject, X509Certificate } from 'node:crypto';
import { ApiMisuseError, defaultLimits } from '@rxtls/core/engine';
import { ownOptions } from '@rxtls/core/engine-parts';
import { chainEnd, checkChain, readCertificates } from './check-certificates.ts';
import { CredentialsError } from './credentials-error.ts';
import { readPrivateKey } from './read-private-key.ts';

/** Credentials as PEM text. */
export interface PemCredentials {
  /** The leaf first, then each one's issuer; the root may be left out. */
  readonly cert: string;
  readonly key: string;
  /** For an encrypted key. */
  readonly passphrase?: string;
  /** Authorities that clients are judged by: only looked at for being certificates. */
  readonly ca?: string;
}

export interface CheckCredentialsOptions {
  /** The time to judge by, in milliseconds or as a date (default now). */
  readonly now?: number | Date;
  /** Milliseconds before the end of the chain from which on there is a warning (default a week, or a third of the leaf's time). */
  readonly warnBefore?: number;
}

/** Credentials that are good at the time they were asked about. */
export interface CheckedCredentials {
  /** SHA-256 of the leaf, as `openssl x509 -fingerprint -sha256` writes it. */
  readonly fingerprint256: string;
  /** The leaf's, as Node writes it: `DNS:a.example, IP Address:192.0.2.1`. */
  readonly subjectAltName?: string;
  readonly validFrom: Date;
  /** When the first certificate of the chain expires. */
  readonly validTo: Date;
  /** From when on to warn. */
  readonly warnFrom: Date;
  /** What will go wrong if nothing is done. */
  readonly warnings: readonly string[];
}

const week = 7 * 24 * 3_600_000;

/**
 * What a server or client would find out in its first handshake, before: PEM that is whole, a key that is the leaf's, a chain
 * in its order, every certificate in force, keys that peers take. Trust is not judged: whether a peer trusts the last issuer
 * is the peer's to say.
 *
 * @throws CredentialsError (an `ApiMisuseError`) with the `fault` and what to do; nothing of the key is in it
 */
export function checkCredentials(
  credentials: PemCredentials,
  options: CheckCredentialsOptions = {},
): CheckedCredentials {
  const { now, warnBefore } = readOptions(options);
  const { cert, key, passphrase, ca } = readInput(credentials);
  const chain = readCertificates(cert, 'cert', defaultLimits.maxChainLength);
  const privateKey = readPrivateKey(key, 'key', passphrase);
  const [leaf] = chain as readonly [X509Certificate, ...X509Certificate[]];
  checkPair(chain, leaf, privateKey);
  checkChain(chain, 'cert', now);
  if (ca !== undefined) readCertificates(ca, 'ca', Number.POSITIVE_INFINITY);
  const [from, to] = [Date.parse(leaf.validFrom), chainEnd(chain)];
  const warnFrom = Math.max(0, to - (warnBefore ?? Math.min(week, (to - from) / 3)));
  const warnings = now >= warnFrom ? [`cert: the chain expires on ${new Date(to).toISOString()}: renew it`] : [];
  return Object.freeze<CheckedCredentials>({
    fingerprint256: leaf.fingerprint256,
    ...(leaf.subjectAltName !== undefined && { subjectAltName: leaf.subjectAltName }),
    validFrom: new Date(from),
    validTo: new Date(to),
    warnFrom: new Date(warnFrom),
    warnings: Object.freeze(warnings),
  });
}

function checkPair(chain: readonly X509Certificate[], leaf: X509Certificate, key: KeyObject): void {
  if (belongsTo(leaf, key)) return;
  const index = chain.findIndex((certificate) => belongsTo(certificate, key));
  const what =
    index > 0
      ? `key belongs to certificate ${index + 1} of cert, not to the first: put the leaf first`
      : 'key is not the key of the first certificate in cert: write both, of one renewal';
  throw new CredentialsError(index > 0 ? 'broken-chain' : 'mismatch', index > 0 ? 'cert' : 'key', what);
}

function belongsTo(certificate: X509Certificate, key: KeyObject): boolean {
  try {
    return certificate.checkPrivateKey(key);
  } catch {
    return false; // the certificate is for a kind of key that OpenSSL does not know
  }
}

/** Own properties, each read once; other names than ours are somebody else's. */
function readInput(credentials: unknown): PemCredentials {
  if (typeof credentials !== 'object' || credentials === null)
    throw new ApiMisuseError('checkCredentials needs an object with cert and key, both PEM text');
  const own = (name: string): unknown =>
    Object.hasOwn(credentials, name) ? (credentials as Record<string, unknown>)[name] : undefined;
  const text = (name: string): string => {
    const value = own(name);
    if (typeof value !== 'string') throw new ApiMisuseError(`checkCredentials: ${name} must be a string`);
    return value;
  };
  return {
    cert: text('cert'),
    key: text('key'),
    ...(own('passphrase') !== undefined && { passphrase: text('passphrase') }),
    ...(own('ca') !== undefined && { ca: text('ca') }),
  };
}

function readOptions(options: CheckCredentialsOptions): { now: number; warnBefore: number | undefined } {
  const own = ownOptions(options, ['now', 'warnBefore'], 'checkCredentials');
  const now = own.now instanceof Date ? own.now.getTime() : (own.now ?? Date.now());
  if (typeof now !== 'number' || Number.isNaN(now))
    throw new ApiMisuseError('checkCredentials: now must be a date, or a number of milliseconds');
  const { warnBefore } = own;
  if (warnBefore !== undefined && !(typeof warnBefore === 'number' && Number.isFinite(warnBefore) && warnBefore >= 0))
    throw new ApiMisuseError('checkCredentials: warnBefore must be a number of milliseconds');
  return { now, warnBefore };
}
