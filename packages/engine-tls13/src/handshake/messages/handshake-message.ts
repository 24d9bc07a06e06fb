import { Writer } from '../../presentation/writer.ts';
import { handshakeType, type HandshakeTypeName } from './handshake-type.ts';

/** Bytes of msg_type and length in front of every handshake message (RFC 8446 §4). */
export const handshakeHeaderBytes = 4;

/** A whole handshake message, a fresh array. @throws ApiMisuseError when something in it is too long for its field */
export function encodeHandshake(type: HandshakeTypeName, writeBody: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  writer.uint8(handshakeType[type]);
  writer.vector(3, writeBody);
  return writer.finish();
}
