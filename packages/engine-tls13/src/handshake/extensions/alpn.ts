import { asciiBytes, asciiText } from '../../presentation/ascii.ts';
import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** ProtocolNameList (RFC 7301 §3.1): the client's list, or the server's choice as a list of one. */
export function encodeAlpn(protocols: readonly string[]): Uint8Array {
  const writer = new Writer();
  writer.vector(2, () => {
    for (const protocol of protocols) writer.vector(1, () => writer.bytes(asciiBytes(protocol)));
  });
  return writer.finish();
}

/** The client's protocols in its order, one letter a byte. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` for a repeated one */
export function decodeAlpnClient(data: Uint8Array): readonly string[] {
  const protocols = readProtocols(data);
  // RFC 7301 §3.1: the list is "in descending order of preference", in which nothing can have two places.
  if (new Set(protocols).size !== protocols.length)
    throw misbehaved('illegal_parameter', 'application_layer_protocol_negotiation repeats a protocol');
  return protocols;
}

/** The server's choice. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` */
export function decodeAlpnServer(data: Uint8Array): string {
  const [protocol, ...more] = readProtocols(data);
  // RFC 7301 §3.1: "the "ProtocolNameList" MUST contain exactly one "ProtocolName"."
  if (protocol === undefined || more.length > 0)
    throw misbehaved('illegal_parameter', 'the server chose more than one application protocol');
  return protocol;
}

function readProtocols(data: Uint8Array): readonly string[] {
  const reader = new Reader(data, 'application_layer_protocol_negotiation');
  // RFC 7301 §3.1: "ProtocolName protocol_name_list<2..2^16-1>"
  const list = reader.inside(2, 2, 0xffff, 'protocol_name_list');
  reader.end();
  const protocols: string[] = [];
  // RFC 7301 §3.1: "opaque ProtocolName<1..2^8-1>;", and "Empty strings MUST NOT be included".
  while (!list.isAtEnd) protocols.push(asciiText(list.vector(1, 1, 255, 'protocol_name')));
  return protocols;
}
