import { decodeCertificateAuthorities } from './certificate-authorities.ts';
import { decodeEarlyDataTicket } from './early-data.ts';
import { decodeEmpty } from './empty-extension.ts';
import type { ExtensionPlace } from './extension-place.ts';
import { extensionType } from './extension-type.ts';
import { decodeSignatureAlgorithms } from './signature-algorithms.ts';
import { decodeSupportedGroups } from './supported-groups.ts';

type Decoder = (data: Uint8Array) => unknown;

const { certificate_authorities, early_data, post_handshake_auth, signature_algorithms_cert, status_request } =
  extensionType;

/** What nobody here acts on, and its message. */
const unused: Readonly<Partial<Record<ExtensionPlace, Readonly<Record<number, Decoder>>>>> = {
  ClientHello: {
    [certificate_authorities]: decodeCertificateAuthorities,
    [signature_algorithms_cert]: decodeSignatureAlgorithms,
    [post_handshake_auth]: (data) => decodeEmpty(data, 'ClientHello.post_handshake_auth'),
  },
  CertificateRequest: {
    [certificate_authorities]: decodeCertificateAuthorities,
    [signature_algorithms_cert]: decodeSignatureAlgorithms,
    [status_request]: (data) => decodeEmpty(data, 'CertificateRequest.status_request'),
  },
  EncryptedExtensions: { [extensionType.supported_groups]: decodeSupportedGroups },
  NewSessionTicket: { [early_data]: decodeEarlyDataTicket },
};

/**
 * Reads the extensions that are known and not acted on, for their syntax alone. RFC 8446 §6: "Peers which receive a message
 * which cannot be correctly parsed according to the syntax ... MUST terminate the connection with a "decode_error" alert."
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`
 */
export function checkUnusedExtensions(extensions: ReadonlyMap<number, Uint8Array>, place: ExtensionPlace): void {
  const decoders = unused[place];
  if (decoders === undefined) return;
  for (const [type, data] of extensions) decoders[type]?.(data);
}
