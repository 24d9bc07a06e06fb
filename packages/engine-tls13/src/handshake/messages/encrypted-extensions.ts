import { Reader } from '../../presentation/reader.ts';
import { type Extensions, readExtensions, writeExtensions } from '../extensions/extension.ts';
import { encodeHandshake } from './handshake-message.ts';

/** EncryptedExtensions (RFC 8446 §4.3.1). */
export interface EncryptedExtensions {
  readonly extensions: Extensions;
}

/** The whole message. */
export const encodeEncryptedExtensions = ({ extensions }: EncryptedExtensions): Uint8Array =>
  encodeHandshake('encrypted_extensions', (writer) => {
    writer.vector(2, () => writeExtensions(writer, extensions));
  });

/**
 * Reads EncryptedExtensions without their header; what is in them are views of `body`. `offered` are the extensions of our ClientHello.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`, `unsupported_extension`
 */
export function decodeEncryptedExtensions(body: Uint8Array, offered: ReadonlySet<number>): EncryptedExtensions {
  const reader = new Reader(body, 'EncryptedExtensions');
  // RFC 8446 §4.3.1: "Extension extensions<0..2^16-1>;"
  const block = reader.vector(2, 0, 0xffff, 'extensions');
  reader.end();
  return { extensions: readExtensions(block, 'EncryptedExtensions', offered) };
}
