import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { decodeUint16List, encodeUint16List } from '../../presentation/uint16-list.ts';
import { Writer } from '../../presentation/writer.ts';

/** ProtocolVersion of TLS 1.3, the only one that is offered and chosen here. */
export const tls13Version = 0x0304;

/** supported_versions of a ClientHello (RFC 8446 §4.2.1). */
export const encodeSupportedVersionsClient = (versions: readonly number[]): Uint8Array => encodeUint16List(versions, 1);

/** The versions in the client's order, unknown ones included. @throws PeerMisbehavedError `decode_error` */
export const decodeSupportedVersionsClient = (data: Uint8Array): readonly number[] =>
  // RFC 8446 §4.2.1: "ProtocolVersion versions<2..254>;"
  decodeUint16List(data, 1, 2, 254, 'supported_versions');

/** supported_versions of a ServerHello or HelloRetryRequest: TLS 1.3. */
export function encodeSupportedVersionsServer(): Uint8Array {
  const writer = new Writer();
  writer.uint16(tls13Version);
  return writer.finish();
}

/** Answers when the server chose TLS 1.3. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` for any other version */
export function decodeSupportedVersionsServer(data: Uint8Array): typeof tls13Version {
  const reader = new Reader(data, 'supported_versions');
  const version = reader.uint16('selected_version');
  reader.end();
  // RFC 8446 §4.2.1: "If the "supported_versions" extension in the ServerHello contains a version not offered by the client or contains a version prior to TLS 1.3, the client MUST abort the handshake with an "illegal_parameter" alert."
  if (version !== tls13Version)
    throw misbehaved('illegal_parameter', `the server chose version ${version}, which was not offered`);
  return version;
}
