import type { AlertDescription } from './alert.ts';
import {
  CertificateError,
  type CertificateFailureReason,
  HandshakeTimeoutError,
  LimitExceededError,
  NotTlsError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  type TlsError,
} from './tls-error.ts';

const forCertificate: Readonly<Record<CertificateFailureReason, AlertDescription>> = {
  expired: 'certificate_expired',
  'not-yet-valid': 'certificate_expired',
  'unknown-authority': 'unknown_ca',
  'wrong-name': 'bad_certificate',
  'wrong-usage': 'unsupported_certificate',
  missing: 'certificate_required',
  revoked: 'certificate_revoked',
  'bad-signature': 'decrypt_error',
  'bad-certificate': 'bad_certificate',
  'chain-too-long': 'bad_certificate',
  'weak-key': 'bad_certificate',
  'refused-by-verify': 'certificate_unknown',
};

/**
 * The one function from an error to the alert that the peer is sent (RFC 8446 §6.2): the alert the error carries,
 * else the one its class stands for.
 */
export function alertForError(error: TlsError): AlertDescription {
  if (error.alert !== undefined) return error.alert;
  if (error instanceof CertificateError) return forCertificate[error.reason];
  if (error instanceof NotTlsError) return 'unexpected_message';
  if (error instanceof PeerIncompatibleError) return 'handshake_failure';
  if (error instanceof PeerMisbehavedError) return 'unexpected_message';
  if (error instanceof HandshakeTimeoutError) return 'handshake_failure';
  if (error instanceof LimitExceededError) return 'unexpected_message';
  return 'internal_error';
}
