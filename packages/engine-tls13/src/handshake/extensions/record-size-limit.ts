import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** RFC 8449 §4: the plaintext of a record with its type and padding; 2^14 of content and one byte of type. */
const mostOfTls13 = 2 ** 14 + 1;

/** record_size_limit (RFC 8449 §4) of a ClientHello or EncryptedExtensions: the most bytes of TLSInnerPlaintext that may come. */
export function encodeRecordSizeLimit(limit: number): Uint8Array {
  const writer = new Writer();
  writer.uint16(limit);
  return writer.finish();
}

/** The client's limit, which may be more than TLS 1.3 has. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` */
export function decodeRecordSizeLimitClient(data: Uint8Array): number {
  const reader = new Reader(data, 'record_size_limit');
  const limit = reader.uint16('RecordSizeLimit');
  reader.end();
  // RFC 8449 §4: "An endpoint MUST treat receipt of a smaller value as a fatal error and generate an "illegal_parameter" alert."
  if (limit < 64) throw misbehaved('illegal_parameter', `a record size limit of ${limit} bytes`);
  return limit;
}

/** The server's limit. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` */
export function decodeRecordSizeLimitServer(data: Uint8Array): number {
  const limit = decodeRecordSizeLimitClient(data);
  // RFC 8449 §4: "A client MAY abort the handshake with an "illegal_parameter" alert if the record_size_limit extension includes a value greater than the maximum record size permitted by the negotiated protocol version and extensions."
  if (limit > mostOfTls13) throw misbehaved('illegal_parameter', `a record size limit of ${limit} bytes`);
  return limit;
}
