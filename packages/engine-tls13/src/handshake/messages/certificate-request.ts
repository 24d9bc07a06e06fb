import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { type Extensions, readExtensions, writeExtensions } from '../extensions/extension.ts';
import { extensionType } from '../extensions/extension-type.ts';
import { encodeHandshake } from './handshake-message.ts';

/** CertificateRequest of a handshake (RFC 8446 §4.3.2): its certificate_request_context is empty. */
export interface CertificateRequest {
  /** signature_algorithms is among them. */
  readonly extensions: Extensions;
}

/** The whole message. */
export const encodeCertificateRequest = ({ extensions }: CertificateRequest): Uint8Array =>
  encodeHandshake('certificate_request', (writer) => {
    writer.uint8(0);
    writer.vector(2, () => writeExtensions(writer, extensions));
  });

/**
 * Reads a CertificateRequest without its header; what is in it are views of `body`.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`, `missing_extension`
 */
export function decodeCertificateRequest(body: Uint8Array): CertificateRequest {
  const reader = new Reader(body, 'CertificateRequest');
  const context = reader.vector(1, 0, 255, 'certificate_request_context');
  // RFC 9846 §4.4.2: "Extension extensions<0..2^16-1>;" (RFC 8446 had 2 for the least, which no list can have).
  const block = reader.vector(2, 0, 0xffff, 'extensions');
  reader.end();
  // RFC 8446 §4.3.2: "This field SHALL be zero length unless used for the post-handshake authentication exchanges".
  if (context.length > 0) throw misbehaved('illegal_parameter', 'CertificateRequest has a context');
  const extensions = readExtensions(block, 'CertificateRequest');
  // RFC 8446 §4.3.2: "The "signature_algorithms" extension MUST be specified".
  if (!extensions.has(extensionType.signature_algorithms))
    throw misbehaved('missing_extension', 'CertificateRequest has no signature_algorithms');
  return { extensions };
}
