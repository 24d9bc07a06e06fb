import type { TLSSocket } from 'node:tls';
import { CertificateError, type CertificateFailureReason } from '@rxtls/core/engine';

const reasons: ReadonlyMap<string, CertificateFailureReason> = new Map([
  ['CERT_HAS_EXPIRED', 'expired'],
  ['CERT_NOT_YET_VALID', 'not-yet-valid'],
  ['UNABLE_TO_GET_ISSUER_CERT', 'unknown-authority'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'unknown-authority'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unknown-authority'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'unknown-authority'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'unknown-authority'],
  ['CERT_UNTRUSTED', 'unknown-authority'],
  ['CERT_REVOKED', 'revoked'],
  ['CERT_CHAIN_TOO_LONG', 'chain-too-long'],
  ['INVALID_PURPOSE', 'wrong-usage'],
  ['CERT_SIGNATURE_FAILURE', 'bad-signature'],
  ['HOSTNAME_MISMATCH', 'wrong-name'],
] as const);

/** OpenSSL's verdict on the chain of a full handshake, or undefined when it has nothing against it. */
export function opensslVerdict(socket: TLSSocket): CertificateError | undefined {
  // Typed as an Error, but Node puts the code's text there.
  const error: unknown = socket.authorizationError;
  if (error === null || error === undefined) {
    // Silence is no consent: `authorized` must say so too.
    return socket.authorized ? undefined : refused('bad-certificate', 'no verdict');
  }
  const code = typeof error === 'string' ? error : ((error as NodeJS.ErrnoException).code ?? 'no code');
  return refused(reasonFor(code), code.slice(0, 80).toLowerCase().replaceAll('_', ' '));
}

function reasonFor(code: string): CertificateFailureReason {
  const reason = reasons.get(code);
  if (reason !== undefined) return reason;
  return /KEY_TOO_SMALL|MD_TOO_WEAK|key too small|md too weak/.test(code) ? 'weak-key' : 'bad-certificate';
}

const refused = (reason: CertificateFailureReason, text: string): CertificateError =>
  new CertificateError(reason, `OpenSSL refused the peer's certificate: ${text}`, { phase: 'verification' });
