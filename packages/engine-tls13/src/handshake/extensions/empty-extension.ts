import { Reader } from '../../presentation/reader.ts';

/** The data of an extension that only has to be there: server_name in EncryptedExtensions, early_data in both hellos. */
export const encodeEmpty = (): Uint8Array => new Uint8Array(0);

/**
 * RFC 6066 §3: "The "extension_data" field of this extension SHALL be empty." RFC 8446 §4.2.10: "case client_hello: Empty;
 * case encrypted_extensions: Empty;". §4.4.2.1: "an empty "status_request" extension in its CertificateRequest message".
 * @throws PeerMisbehavedError `decode_error` for anything else
 */
export function decodeEmpty(data: Uint8Array, path: string): void {
  new Reader(data, path).end();
}
