import { asciiBytes } from '../../presentation/ascii.ts';
import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';
import { encodeHandshake } from './handshake-message.ts';

/** CertificateVerify (RFC 8446 §4.4.3). */
export interface CertificateVerify {
  /** SignatureScheme; whether it was offered is the caller's to check. */
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

/** The whole message. */
export const encodeCertificateVerify = ({ algorithm, signature }: CertificateVerify): Uint8Array =>
  encodeHandshake('certificate_verify', (writer) => {
    writer.uint16(algorithm);
    writer.vector(2, () => writer.bytes(signature));
  });

/** Reads a CertificateVerify without its header; the signature is a view of `body`. @throws PeerMisbehavedError `decode_error` */
export function decodeCertificateVerify(body: Uint8Array): CertificateVerify {
  const reader = new Reader(body, 'CertificateVerify');
  const algorithm = reader.uint16('algorithm');
  // RFC 8446 §4.4.3: "opaque signature<0..2^16-1>;"
  const signature = reader.vector(2, 0, 0xffff, 'signature');
  reader.end();
  return { algorithm, signature };
}

/**
 * What is signed (RFC 8446 §4.4.3): "A string that consists of octet 32 (0x20) repeated 64 times. The context string. A
 * single 0 byte which serves as the separator. The content to be signed." `role` is the signer's.
 */
export function signedContent(role: 'client' | 'server', transcriptHash: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.bytes(new Uint8Array(64).fill(0x20));
  writer.bytes(asciiBytes(`TLS 1.3, ${role} CertificateVerify`));
  writer.uint8(0);
  writer.bytes(transcriptHash);
  return writer.finish();
}
