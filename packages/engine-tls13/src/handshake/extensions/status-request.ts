import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

const ocsp = 1;

/** status_request of a ClientHello (RFC 6066 §8): an OCSP staple of any responder. In a CertificateRequest it is empty. */
export const encodeStatusRequest = (): Uint8Array => Uint8Array.of(ocsp, 0, 0, 0, 0);

/** Whether the client asks for an OCSP staple; a status type that is not known is not read. @throws PeerMisbehavedError `decode_error` */
export function decodeStatusRequest(data: Uint8Array): boolean {
  const reader = new Reader(data, 'status_request');
  if (reader.uint8('status_type') !== ocsp) return false;
  // RFC 6066 §8: "ResponderID responder_id_list<0..2^16-1>; Extensions request_extensions;"
  const responders = reader.inside(2, 0, 0xffff, 'responder_id_list');
  reader.vector(2, 0, 0xffff, 'request_extensions');
  reader.end();
  // RFC 6066 §8: "opaque ResponderID<1..2^16-1>;"
  while (!responders.isAtEnd) responders.vector(2, 1, 0xffff, 'ResponderID');
  return true;
}

/** CertificateStatus (RFC 6066 §8), the status_request of a CertificateEntry (RFC 8446 §4.4.2.1). */
export function encodeCertificateStatus(ocspResponse: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.uint8(ocsp);
  writer.vector(3, () => writer.bytes(ocspResponse));
  return writer.finish();
}

/** The OCSPResponse in DER, not read. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` for a status type that was not asked for */
export function decodeCertificateStatus(data: Uint8Array): Uint8Array {
  const reader = new Reader(data, 'status_request');
  // RFC 6066 §8: "CertificateStatusType status_type;", which is ocsp(1) in every request of ours.
  if (reader.uint8('status_type') !== ocsp)
    throw misbehaved('illegal_parameter', 'status_request holds a status that is not OCSP');
  // RFC 6066 §8: "opaque OCSPResponse<1..2^24-1>;"
  const response = reader.vector(3, 1, 0xffffff, 'OCSPResponse');
  reader.end();
  return response;
}
