import {
  type AlertDescription,
  alertName,
  CertificateError,
  EngineFailureError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  TlsError,
} from '@rxtls/core/engine';
import type { ForgeFailure } from './forge-library.ts';

const incompatible: ReadonlySet<AlertDescription> = new Set([
  'handshake_failure',
  'protocol_version',
  'insufficient_security',
] as const);

const certificate: ReadonlySet<AlertDescription> = new Set([
  'bad_certificate',
  'unsupported_certificate',
  'certificate_unknown',
] as const);

/** What node-forge's failure becomes: by the alert it chose, since its texts may change. It has sent that alert itself. */
export function forgeFailureError({ alert: forged, message }: ForgeFailure): TlsError {
  const alert = forged === undefined ? undefined : alertName(forged.description);
  if (alert === undefined || alert === 'internal_error')
    return new EngineFailureError('node-forge failed', { alert: 'internal_error' });
  // One text for all of them: how a record failed is nobody's business (checklist D5).
  if (alert === 'bad_record_mac') return new PeerMisbehavedError('a record does not authenticate', { alert });
  const what = `node-forge refused what the peer sent: ${(message ?? 'no reason').slice(0, 100)}`;
  if (incompatible.has(alert)) return new PeerIncompatibleError(what, { alert });
  if (certificate.has(alert)) return new CertificateError('bad-certificate', what, { alert });
  return new PeerMisbehavedError(what, { alert });
}

/** What anything else that was thrown becomes; nothing of it is passed on, since it may quote the peer or a key. */
export const thrownError = (thrown: unknown): TlsError =>
  thrown instanceof TlsError
    ? thrown
    : new EngineFailureError('node-forge threw an exception', { alert: 'internal_error' });
