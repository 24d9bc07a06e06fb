import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** cookie of a HelloRetryRequest or of the ClientHello after it (RFC 8446 §4.2.2). */
export function encodeCookie(cookie: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.vector(2, () => writer.bytes(cookie));
  return writer.finish();
}

/** @throws PeerMisbehavedError `decode_error` */
export function decodeCookie(data: Uint8Array): Uint8Array {
  const reader = new Reader(data, 'cookie');
  // RFC 8446 §4.2.2: "opaque cookie<1..2^16-1>;"
  const cookie = reader.vector(2, 1, 0xffff, 'cookie');
  reader.end();
  return cookie;
}
