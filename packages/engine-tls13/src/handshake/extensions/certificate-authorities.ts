import { Reader } from '../../presentation/reader.ts';
import { Writer } from '../../presentation/writer.ts';

/** certificate_authorities (RFC 8446 §4.2.4) of a ClientHello or CertificateRequest: distinguished names in DER. */
export function encodeCertificateAuthorities(authorities: readonly Uint8Array[]): Uint8Array {
  const writer = new Writer();
  writer.vector(2, () => {
    for (const name of authorities) writer.vector(2, () => writer.bytes(name));
  });
  return writer.finish();
}

/** The names, their DER not read. @throws PeerMisbehavedError `decode_error` */
export function decodeCertificateAuthorities(data: Uint8Array): readonly Uint8Array[] {
  const reader = new Reader(data, 'certificate_authorities');
  // RFC 8446 §4.2.4: "DistinguishedName authorities<3..2^16-1>;"
  const list = reader.inside(2, 3, 0xffff, 'authorities');
  reader.end();
  const authorities: Uint8Array[] = [];
  // RFC 8446 §4.2.4: "opaque DistinguishedName<1..2^16-1>;"
  while (!list.isAtEnd) authorities.push(list.vector(2, 1, 0xffff, 'DistinguishedName'));
  return authorities;
}
