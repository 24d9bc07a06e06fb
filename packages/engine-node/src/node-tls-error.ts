import {
  type AlertDescription,
  AlertReceivedError,
  alertName,
  CertificateError,
  EngineFailureError,
  LimitExceededError,
  PeerIncompatibleError,
  PeerMisbehavedError,
  type TlsError,
} from '@rxtls/core/engine';

const incompatible: ReadonlyMap<string, AlertDescription> = new Map([
  ['NO_SHARED_CIPHER', 'handshake_failure'],
  ['NO_SHARED_SIGNATURE_ALGORITHMS', 'handshake_failure'],
  ['NO_SUITABLE_SIGNATURE_ALGORITHM', 'handshake_failure'],
  ['NO_SUITABLE_KEY_SHARE', 'handshake_failure'],
  ['NO_SUITABLE_GROUPS', 'handshake_failure'],
  ['NO_SHARED_GROUPS', 'handshake_failure'],
  ['UNSUPPORTED_PROTOCOL', 'protocol_version'],
  ['UNKNOWN_PROTOCOL', 'protocol_version'],
  ['VERSION_TOO_LOW', 'protocol_version'],
  ['VERSION_TOO_HIGH', 'protocol_version'],
  ['WRONG_SSL_VERSION', 'protocol_version'],
  ['NO_PROTOCOLS_AVAILABLE', 'protocol_version'],
  ['INAPPROPRIATE_FALLBACK', 'inappropriate_fallback'],
  ['NO_APPLICATION_PROTOCOL', 'no_application_protocol'],
  ['DH_KEY_TOO_SMALL', 'insufficient_security'],
  ['UNSAFE_LEGACY_RENEGOTIATION_DISABLED', 'handshake_failure'],
  // Our own renegotiation was answered with no_renegotiation, which ends it (RFC 5246 §7.2.2).
  ['NO_RENEGOTIATION', 'handshake_failure'],
] as const);

const misbehaved: ReadonlyMap<string, AlertDescription> = new Map([
  ['DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'bad_record_mac'],
  ['DECRYPTION_FAILED', 'bad_record_mac'],
  // What OpenSSL 3.0 says in TLS 1.3 of a tag that does not fit.
  ['CIPHER_OPERATION_FAILED', 'bad_record_mac'],
  ['DATA_LENGTH_TOO_LONG', 'record_overflow'],
  ['PACKET_LENGTH_TOO_LONG', 'record_overflow'],
  ['ENCRYPTED_LENGTH_TOO_LONG', 'record_overflow'],
  ['COMPRESSED_LENGTH_TOO_LONG', 'record_overflow'],
  ['WRONG_VERSION_NUMBER', 'protocol_version'],
  ['LENGTH_MISMATCH', 'decode_error'],
  ['LENGTH_TOO_SHORT', 'decode_error'],
  ['LENGTH_TOO_LONG', 'decode_error'],
  ['BAD_EXTENSION', 'decode_error'],
  ['BAD_LENGTH', 'decode_error'],
  ['BAD_PACKET', 'decode_error'],
  ['BAD_RECORD_TYPE', 'unexpected_message'],
  ['UNEXPECTED_MESSAGE', 'unexpected_message'],
  ['UNEXPECTED_RECORD', 'unexpected_message'],
  ['CCS_RECEIVED_EARLY', 'unexpected_message'],
  ['NOT_ON_RECORD_BOUNDARY', 'unexpected_message'],
  ['EXCESSIVE_MESSAGE_SIZE', 'illegal_parameter'],
  ['BAD_SIGNATURE', 'decrypt_error'],
  ['DIGEST_CHECK_FAILED', 'decrypt_error'],
] as const);

/**
 * The engine's one edge between Node's errors and ours: by whose fault it was. The message names OpenSSL's reason and
 * never its input; Node's error is not kept as `cause`, since its text carries the library's file names only.
 */
export function nodeTlsError(error: unknown): TlsError {
  const { code, message } = facts(error);
  if (code === 'ERR_TLS_SESSION_ATTACK')
    return new LimitExceededError('renegotiation', "more renegotiations than Node's own tls.CLIENT_RENEG_LIMIT");
  if (code === 'ERR_TLS_DH_PARAM_SIZE')
    return new PeerIncompatibleError('the server uses a Diffie-Hellman group under 2048 bits', {
      alert: 'insufficient_security',
    });
  const number = /SSL alert number (\d+)/.exec(message)?.[1];
  if (number !== undefined) return received(Number(number));
  if (!code.startsWith('ERR_SSL_')) return new EngineFailureError(`OpenSSL through Node failed: ${code || 'no code'}`);
  const reason = code.slice('ERR_SSL_'.length).slice(0, 80);
  const text = reason.toLowerCase().replaceAll('_', ' ');
  if (reason === 'PEER_DID_NOT_RETURN_A_CERTIFICATE')
    return new CertificateError('missing', 'the peer showed no certificate');
  if (reason === 'INTERNAL_ERROR' || reason === 'MALLOC_FAILURE') return new EngineFailureError(`OpenSSL: ${text}`);
  const disagreement = incompatible.get(reason);
  if (disagreement !== undefined)
    return new PeerIncompatibleError(`nothing both sides accept: ${text}`, { alert: disagreement });
  const alert = misbehaved.get(reason);
  // One text for all of them: how a record failed is nobody's business (checklist D5).
  if (alert === 'bad_record_mac') return new PeerMisbehavedError('a record does not authenticate', { alert });
  return new PeerMisbehavedError(`OpenSSL refused what the peer sent: ${text}`, alert === undefined ? {} : { alert });
}

function facts(error: unknown): { code: string; message: string } {
  if (!(error instanceof Error)) return { code: '', message: '' };
  const code = (error as NodeJS.ErrnoException).code;
  return { code: typeof code === 'string' ? code : '', message: error.message };
}

function received(number: number): AlertReceivedError {
  const alert = alertName(number);
  return new AlertReceivedError(
    `the peer sent the fatal alert ${alert ?? number}`,
    alert === undefined ? {} : { alert },
  );
}
