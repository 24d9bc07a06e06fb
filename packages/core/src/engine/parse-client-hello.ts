import { ByteReader } from './byte-reader.ts';
import type { ClientHello } from './client-hello.ts';
import { PeerMisbehavedError } from './tls-error.ts';

const extensionType = { serverName: 0, supportedGroups: 10, signatureAlgorithms: 13, alpn: 16, supportedVersions: 43 };

const latin1 = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/**
 * Reads a ClientHello (RFC 8446 §4.1.2), given whole with its four byte handshake header.
 * @throws PeerMisbehavedError `decode_error` for a malformed one, `illegal_parameter` for a repeated extension or an impossible name.
 */
export function parseClientHello(message: Uint8Array): ClientHello {
  const hello = new ByteReader(message.subarray(4), 'ClientHello');
  const legacyVersion = hello.uint16('legacy_version');
  hello.bytes(32, 'random');
  hello.vector(1, 0, 32, 'legacy_session_id');
  const cipherSuites = hello.uint16List(2, 'cipher_suites');
  hello.vector(1, 1, 255, 'legacy_compression_methods');
  const found = { extensions: [] as number[], supportedVersions: [legacyVersion] as number[] };
  let serverName: string | undefined;
  let alpnProtocols: string[] = [];
  let supportedGroups: number[] = [];
  let signatureSchemes: number[] = [];
  if (!hello.isAtEnd) {
    const extensions = hello.nested(hello.vector(2, 0, 0xffff, 'extensions'), 'extensions');
    const seen = new Set<number>();
    while (!extensions.isAtEnd) {
      const type = extensions.uint16('extension_type');
      const body = extensions.nested(extensions.vector(2, 0, 0xffff, 'extension_data'), `${type}`);
      // RFC 8446 §4.2: "There MUST NOT be more than one extension of the same type in a given extension block."
      if (seen.has(type)) throw illegal(`ClientHello repeats extension ${type}`);
      seen.add(type);
      found.extensions.push(type);
      if (type === extensionType.serverName) serverName = readServerName(body);
      else if (type === extensionType.alpn) alpnProtocols = readProtocols(body);
      else if (type === extensionType.supportedVersions) found.supportedVersions = wholeList(body, 1);
      else if (type === extensionType.supportedGroups) supportedGroups = wholeList(body, 2);
      else if (type === extensionType.signatureAlgorithms) signatureSchemes = wholeList(body, 2);
    }
  }
  hello.end();
  return {
    legacyVersion,
    ...found,
    cipherSuites,
    ...(serverName !== undefined && { serverName }),
    alpnProtocols,
    supportedGroups,
    signatureSchemes,
    message,
  };
}

const illegal = (message: string): PeerMisbehavedError =>
  new PeerMisbehavedError(message, { alert: 'illegal_parameter' });

function wholeList(body: ByteReader, lengthBytes: 1 | 2): number[] {
  const list = body.uint16List(lengthBytes, 'list');
  body.end();
  return list;
}

/** RFC 6066 §3: a list of names of different types, of which only host_name (0) exists. */
function readServerName(body: ByteReader): string | undefined {
  if (body.isAtEnd) throw illegal('ClientHello has an empty server_name extension');
  const list = body.nested(body.vector(2, 1, 0xffff, 'server_name_list'), 'server_name_list');
  body.end();
  let name: string | undefined;
  while (!list.isAtEnd) {
    const type = list.uint8('name_type');
    const value = list.vector(2, 1, 0xffff, 'host_name');
    if (type !== 0) continue;
    // RFC 6066 §3: "The ServerNameList MUST NOT contain more than one name of the same name_type."
    if (name !== undefined) throw illegal('ClientHello has two host names');
    if (value.length > 255 || value.some((byte) => byte < 0x21 || byte > 0x7e))
      throw illegal('ClientHello has a host name that cannot be one');
    name = latin1(value).toLowerCase();
  }
  return name;
}

/** RFC 7301 §3.1: "protocol_name_list<2..2^16-1>" of "opaque ProtocolName<1..2^8-1>". */
function readProtocols(body: ByteReader): string[] {
  const list = body.nested(body.vector(2, 2, 0xffff, 'protocol_name_list'), 'protocol_name_list');
  body.end();
  const protocols: string[] = [];
  while (!list.isAtEnd) protocols.push(latin1(list.vector(1, 1, 255, 'protocol_name')));
  return protocols;
}
