import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { readUint16s } from '../../presentation/uint16-list.ts';
import { type Extension, readExtensions, writeExtensions } from '../extensions/extension.ts';
import { extensionType } from '../extensions/extension-type.ts';
import { decodeSupportedVersionsClient, tls13Version } from '../extensions/supported-versions.ts';
import { encodeHandshake } from './handshake-message.ts';

/** ClientHello (RFC 8446 §4.1.2), of any version of TLS that has extensions or could have had them. */
export interface ClientHelloMessage {
  readonly legacyVersion: number;
  /** 32 bytes. */
  readonly random: Uint8Array;
  readonly sessionId: Uint8Array;
  readonly cipherSuites: readonly number[];
  readonly compressionMethods: Uint8Array;
  /** In the client's order, each type once. */
  readonly extensions: readonly Extension[];
}

/** The whole message. */
export const encodeClientHello = (hello: ClientHelloMessage): Uint8Array =>
  encodeHandshake('client_hello', (writer) => {
    writer.uint16(hello.legacyVersion);
    writer.bytes(hello.random);
    writer.vector(1, () => writer.bytes(hello.sessionId));
    writer.vector(2, () => {
      for (const suite of hello.cipherSuites) writer.uint16(suite);
    });
    writer.vector(1, () => writer.bytes(hello.compressionMethods));
    writer.vector(2, () =>
      writeExtensions(
        writer,
        hello.extensions.map(({ type, data }) => [type, data] as const),
      ),
    );
  });

/**
 * Reads a ClientHello without its header; what is in it are views of `body`. One that does not offer TLS 1.3 is read too,
 * with or without extensions: the caller answers it with `protocol_version`.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`, `protocol_version`
 */
export function decodeClientHello(body: Uint8Array): ClientHelloMessage {
  const reader = new Reader(body, 'ClientHello');
  const legacyVersion = reader.uint16('legacy_version');
  const random = reader.bytes(32, 'random');
  // RFC 8446 §4.1.2: "opaque legacy_session_id<0..32>;"
  const sessionId = reader.vector(1, 0, 32, 'legacy_session_id');
  // RFC 8446 §4.1.2: "CipherSuite cipher_suites<2..2^16-2>;"
  const cipherSuites = readUint16s(reader.inside(2, 2, 0xfffe, 'cipher_suites'));
  // RFC 8446 §4.1.2: "opaque legacy_compression_methods<1..2^8-1>;"
  const compressionMethods = reader.vector(1, 1, 255, 'legacy_compression_methods');
  // RFC 8446 §4.1.2: "TLS 1.3 servers might receive ClientHello messages without an extensions field from prior versions of TLS." The least that TLS 1.3 has, 7 bytes, is a supported_versions, and that is looked for below.
  const block = reader.isAtEnd ? new Uint8Array(0) : reader.vector(2, 0, 0xffff, 'extensions');
  reader.end();
  const extensions = readExtensions(block, 'ClientHello');
  const versions = extensions.get(extensionType.supported_versions);
  if (versions !== undefined && decodeSupportedVersionsClient(versions).includes(tls13Version))
    checkLegacyFields(legacyVersion, compressionMethods);
  return {
    legacyVersion,
    random,
    sessionId,
    cipherSuites,
    compressionMethods,
    extensions: Array.from(extensions, ([type, data]) => ({ type, data })),
  };
}

function checkLegacyFields(legacyVersion: number, compressionMethods: Uint8Array): void {
  // RFC 9846 §4.2.2: "A server which receives a legacy_version value not equal to 0x0303 MUST abort the handshake with a "protocol_version" alert."
  if (legacyVersion !== 0x0303)
    throw misbehaved('protocol_version', `ClientHello offers TLS 1.3 with legacy_version ${legacyVersion}`);
  // RFC 8446 §4.1.2: "For every TLS 1.3 ClientHello, this vector MUST contain exactly one byte, set to zero". "If a TLS 1.3 ClientHello is received with any other value in this field, the server MUST abort the handshake with an "illegal_parameter" alert."
  if (compressionMethods.length !== 1 || compressionMethods[0] !== 0)
    throw misbehaved('illegal_parameter', 'ClientHello offers TLS 1.3 with compression');
}
