import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { checkExtensions, type Extensions, splitExtensions, writeExtensions } from '../extensions/extension.ts';
import { extensionType } from '../extensions/extension-type.ts';
import { encodeHandshake } from './handshake-message.ts';
import { isHelloRetryRequest } from './hello-random.ts';

/** ServerHello or HelloRetryRequest (RFC 8446 §4.1.3, §4.1.4). */
export interface ServerHello {
  /** 0x0303 in TLS 1.3. */
  readonly legacyVersion: number;
  /** 32 bytes; `helloRetryRequestRandom()` in a HelloRetryRequest. */
  readonly random: Uint8Array;
  readonly sessionIdEcho: Uint8Array;
  readonly cipherSuite: number;
  /** Without supported_versions the server chose TLS 1.2 or older, and nothing else of the message was judged. */
  readonly extensions: Extensions;
}

/** The whole message. */
export const encodeServerHello = (hello: ServerHello): Uint8Array =>
  encodeHandshake('server_hello', (writer) => {
    writer.uint16(hello.legacyVersion);
    writer.bytes(hello.random);
    writer.vector(1, () => writer.bytes(hello.sessionIdEcho));
    writer.uint16(hello.cipherSuite);
    writer.uint8(0);
    writer.vector(2, () => writeExtensions(writer, hello.extensions));
  });

/**
 * Reads a ServerHello or HelloRetryRequest without its header; what is in it are views of `body`. `offered` are the
 * extensions of our ClientHello. One of TLS 1.2 is read too: the caller answers it with `protocol_version`, or with
 * `illegal_parameter` when it `hasDowngradeSentinel`.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`, `protocol_version`, `unsupported_extension`
 */
export function decodeServerHello(body: Uint8Array, offered: ReadonlySet<number>): ServerHello {
  const reader = new Reader(body, 'ServerHello');
  const legacyVersion = reader.uint16('legacy_version');
  const random = reader.bytes(32, 'random');
  // RFC 8446 §4.1.3: "opaque legacy_session_id_echo<0..32>;"
  const sessionIdEcho = reader.vector(1, 0, 32, 'legacy_session_id_echo');
  const cipherSuite = reader.uint16('cipher_suite');
  const compressionMethod = reader.uint8('legacy_compression_method');
  // Older versions have none, or an empty list; the least of TLS 1.3, 6 bytes, is the supported_versions looked for below.
  const block = reader.isAtEnd ? new Uint8Array(0) : reader.vector(2, 0, 0xffff, 'extensions');
  reader.end();
  const place = isHelloRetryRequest({ random }) ? 'HelloRetryRequest' : 'ServerHello';
  const extensions = splitExtensions(block, place);
  // RFC 8446 §4.2.1: "clients MUST check for this extension prior to processing the rest of the ServerHello".
  if (extensions.has(extensionType.supported_versions)) {
    checkLegacyFields(legacyVersion, compressionMethod);
    checkExtensions(extensions, place, offered);
  }
  return { legacyVersion, random, sessionIdEcho, cipherSuite, extensions };
}

function checkLegacyFields(legacyVersion: number, compressionMethod: number): void {
  // RFC 9846 §4.2.3: "A client which receives a TLS 1.3 Server Hello with a legacy_version value not equal to 0x0303 MUST abort the handshake with a "protocol_version" alert."
  if (legacyVersion !== 0x0303)
    throw misbehaved('protocol_version', `ServerHello chooses TLS 1.3 with legacy_version ${legacyVersion}`);
  // RFC 9846 §4.2.3: "If a TLS 1.3 ServerHello is received with any other value in this field, the client MUST abort the handshake with an "illegal_parameter" alert."
  if (compressionMethod !== 0) throw misbehaved('illegal_parameter', 'ServerHello chooses TLS 1.3 with compression');
}
