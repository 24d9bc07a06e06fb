import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { readExtensions, writeExtensions } from '../extensions/extension.ts';
import { extensionType } from '../extensions/extension-type.ts';
import { decodeCertificateStatus, encodeCertificateStatus } from '../extensions/status-request.ts';
import { encodeHandshake } from './handshake-message.ts';

/** CertificateEntry (RFC 8446 §4.4.2). */
interface CertificateEntry {
  /** DER. */
  readonly certificate: Uint8Array;
  /** The OCSPResponse of status_request in DER, where one was stapled. */
  readonly ocspResponse?: Uint8Array;
}

/** Certificate of a handshake (RFC 8446 §4.4.2): its certificate_request_context is empty. The sender's own certificate comes first. */
export interface CertificateMessage {
  readonly entries: readonly CertificateEntry[];
}

/** What a Certificate message is held to. */
export interface CertificateRules {
  /** Who sent it; only a client may have none. */
  readonly sender: 'client' | 'server';
  /** Extensions of our ClientHello or CertificateRequest. */
  readonly offered: ReadonlySet<number>;
  readonly maxEntries: number;
  /** What is thrown as soon as there is one entry more. */
  readonly tooMany: () => Error;
}

/** The whole message. */
export const encodeCertificate = ({ entries }: CertificateMessage): Uint8Array =>
  encodeHandshake('certificate', (writer) => {
    writer.uint8(0);
    writer.vector(3, () => {
      for (const { certificate, ocspResponse } of entries) {
        writer.vector(3, () => writer.bytes(certificate));
        writer.vector(2, () => {
          if (ocspResponse !== undefined)
            writeExtensions(writer, [[extensionType.status_request, encodeCertificateStatus(ocspResponse)]]);
        });
      }
    });
  });

/**
 * Reads a Certificate message without its header; what is in it are views of `body`.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`, `unsupported_extension`, and what `rules.tooMany` makes
 */
export function decodeCertificate(body: Uint8Array, rules: CertificateRules): CertificateMessage {
  const reader = new Reader(body, 'Certificate');
  const context = reader.vector(1, 0, 255, 'certificate_request_context');
  // RFC 8446 §4.4.2: "CertificateEntry certificate_list<0..2^24-1>;"
  const list = reader.inside(3, 0, 0xffffff, 'certificate_list');
  reader.end();
  // RFC 8446 §4.4.2: "the value of certificate_request_context in that message. Otherwise (in the case of server authentication), this field SHALL be zero length." In a handshake that value is empty too.
  if (context.length > 0) throw misbehaved('illegal_parameter', 'Certificate has a context');
  // RFC 8446 §4.4.2.4: "If the server supplies an empty Certificate message, the client MUST abort the handshake with a "decode_error" alert."
  if (rules.sender === 'server' && list.isAtEnd) throw misbehaved('decode_error', 'the server has no certificate');
  const entries: CertificateEntry[] = [];
  while (!list.isAtEnd) {
    if (entries.length >= rules.maxEntries) throw rules.tooMany();
    entries.push(readEntry(list, rules.offered));
  }
  return { entries };
}

function readEntry(list: Reader, offered: ReadonlySet<number>): CertificateEntry {
  // RFC 8446 §4.4.2: "opaque cert_data<1..2^24-1>;"
  const certificate = list.vector(3, 1, 0xffffff, 'cert_data');
  // RFC 8446 §4.4.2: "Extension extensions<0..2^16-1>;"
  const extensions = readExtensions(list.vector(2, 0, 0xffff, 'extensions'), 'Certificate', offered);
  const status = extensions.get(extensionType.status_request);
  return status === undefined ? { certificate } : { certificate, ocspResponse: decodeCertificateStatus(status) };
}
