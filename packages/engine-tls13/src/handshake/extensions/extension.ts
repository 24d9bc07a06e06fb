import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import type { Writer } from '../../presentation/writer.ts';
import { type ExtensionPlace, mayStandIn } from './extension-place.ts';
import { extensionType } from './extension-type.ts';
import { isGrease } from './grease.ts';

/** An extension (RFC 8446 §4.2), its data not read. */
export interface Extension {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Data of extensions by their type, in the order of the message. */
export type Extensions = ReadonlyMap<number, Uint8Array>;

/**
 * Reads a block of extensions and holds it to the rules of its message; the data are views of the block. `offered` are the
 * types that our side sent, where the message is a response to them: everything but ClientHello, CertificateRequest and
 * NewSessionTicket, in which unknown extensions (RFC 8701's among them) are for the caller to ignore.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`, `unsupported_extension`
 */
export function readExtensions(block: Uint8Array, place: ExtensionPlace, offered?: ReadonlySet<number>): Extensions {
  const extensions = splitExtensions(block, place);
  checkExtensions(extensions, place, offered);
  return extensions;
}

/** The extensions of a block, whatever they are. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` for a repeated one */
export function splitExtensions(block: Uint8Array, place: ExtensionPlace): Extensions {
  const reader = new Reader(block, `${place}.extensions`);
  const extensions = new Map<number, Uint8Array>();
  while (!reader.isAtEnd) {
    const type = reader.uint16('extension_type');
    const data = reader.vector(2, 0, 0xffff, `extension_data of ${type}`);
    // RFC 8446 §4.2: "There MUST NOT be more than one extension of the same type in a given extension block."
    if (extensions.has(type)) throw misbehaved('illegal_parameter', `${place} repeats extension ${type}`);
    extensions.set(type, data);
  }
  return extensions;
}

/** Holds extensions to the rules of a TLS 1.3 message. @throws PeerMisbehavedError `illegal_parameter`, `unsupported_extension` */
export function checkExtensions(extensions: Extensions, place: ExtensionPlace, offered?: ReadonlySet<number>): void {
  let last: number | undefined;
  for (const type of extensions.keys()) {
    // RFC 8446 §4.2: "If an implementation receives an extension which it recognizes and which is not specified for the message in which it appears, it MUST abort the handshake with an "illegal_parameter" alert."
    if (!mayStandIn(type, place)) throw misbehaved('illegal_parameter', `extension ${type} may not stand in ${place}`);
    if (offered !== undefined && !isAnswer(type, place, offered))
      throw misbehaved('unsupported_extension', `${place} has extension ${type}, which was not offered`);
    last = type;
  }
  const { pre_shared_key } = extensionType;
  // RFC 8446 §4.2.11: "Servers MUST check that it is the last extension and otherwise fail the handshake with an "illegal_parameter" alert."
  if (place === 'ClientHello' && extensions.has(pre_shared_key) && last !== pre_shared_key)
    throw misbehaved('illegal_parameter', 'pre_shared_key is not the last extension of ClientHello');
}

/** The body of `Extension extensions<…>`, without its length. */
export function writeExtensions(writer: Writer, extensions: Iterable<readonly [number, Uint8Array]>): void {
  for (const [type, data] of extensions) {
    writer.uint16(type);
    writer.vector(2, () => writer.bytes(data));
  }
}

function isAnswer(type: number, place: ExtensionPlace, offered: ReadonlySet<number>): boolean {
  // RFC 8446 §4.2: "Implementations MUST NOT send extension responses if the remote endpoint did not send the corresponding extension requests, with the exception of the "cookie" extension in the HelloRetryRequest."
  if (place === 'HelloRetryRequest' && type === extensionType.cookie) return true;
  // RFC 8701 §3.1: clients "MUST reject GREASE values when negotiated by the server", offered ones too.
  return offered.has(type) && !isGrease(type);
}
