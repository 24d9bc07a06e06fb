import { asciiBytes, asciiText } from '../../presentation/ascii.ts';
import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

const hostName = 0;

/** server_name of a ClientHello (RFC 6066 §3) with one host_name. */
export function encodeServerName(name: string): Uint8Array {
  const writer = new Writer();
  writer.vector(2, () => {
    writer.uint8(hostName);
    writer.vector(2, () => writer.bytes(asciiBytes(name)));
  });
  return writer.finish();
}

/**
 * The host_name in lower case, or undefined when there are only names of unknown types. What is read is what core's
 * ClientHello reader reads; whether it is a name that is served here is not judged.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`
 */
export function decodeServerName(data: Uint8Array): string | undefined {
  const reader = new Reader(data, 'server_name');
  // RFC 6066 §3: "ServerName server_name_list<1..2^16-1>"
  const list = reader.inside(2, 1, 0xffff, 'server_name_list');
  reader.end();
  let name: string | undefined;
  while (!list.isAtEnd) {
    const type = list.uint8('name_type');
    // RFC 6066 §3: "opaque HostName<1..2^16-1>", and "all future data structures associated with new NameTypes MUST begin with a 16-bit length field."
    const value = list.vector(2, 1, 0xffff, 'host_name');
    if (type !== hostName) continue;
    // RFC 6066 §3: "The ServerNameList MUST NOT contain more than one name of the same name_type."
    if (name !== undefined) throw misbehaved('illegal_parameter', 'server_name has two host names');
    // RFC 6066 §3: "The hostname is represented as a byte string using ASCII encoding"; RFC 1035 §2.3.4: at most 255 octets.
    if (value.length > 255 || value.some((byte) => byte < 0x21 || byte > 0x7e))
      throw misbehaved('illegal_parameter', 'server_name has a host name that cannot be one');
    name = asciiText(value).toLowerCase();
  }
  return name;
}
