import { decodeUint16List, encodeUint16List } from '../../presentation/uint16-list.ts';

/** SignatureSchemeList (RFC 8446 §4.2.3): signature_algorithms and signature_algorithms_cert, of ClientHello and CertificateRequest. */
export const encodeSignatureAlgorithms = (schemes: readonly number[]): Uint8Array => encodeUint16List(schemes, 2);

/** @throws PeerMisbehavedError `decode_error` */
export const decodeSignatureAlgorithms = (data: Uint8Array): readonly number[] =>
  // RFC 8446 §4.2.3: "SignatureScheme supported_signature_algorithms<2..2^16-2>;"
  decodeUint16List(data, 2, 2, 0xfffe, 'signature_algorithms');
