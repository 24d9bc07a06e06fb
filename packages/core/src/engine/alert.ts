/** Alert descriptions by their number on the wire (RFC 8446 §6, RFC 5246 §7.2 for the older ones). */
export const alertNumber = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  decryption_failed: 21,
  record_overflow: 22,
  decompression_failure: 30,
  handshake_failure: 40,
  no_certificate: 41,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  export_restriction: 60,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  inappropriate_fallback: 86,
  user_canceled: 90,
  no_renegotiation: 100,
  missing_extension: 109,
  unsupported_extension: 110,
  certificate_unobtainable: 111,
  unrecognized_name: 112,
  bad_certificate_status_response: 113,
  bad_certificate_hash_value: 114,
  unknown_psk_identity: 115,
  certificate_required: 116,
  no_application_protocol: 120,
} as const;

/** An alert's name in the RFCs: `unrecognized_name`. */
export type AlertDescription = keyof typeof alertNumber;

const nameOf: ReadonlyMap<number, AlertDescription> = new Map(
  Object.entries(alertNumber).map(([name, number]) => [number, name as AlertDescription]),
);

/** The name of an alert number, or `undefined` for one that no RFC here knows. */
export const alertName = (number: number): AlertDescription | undefined => nameOf.get(number);
