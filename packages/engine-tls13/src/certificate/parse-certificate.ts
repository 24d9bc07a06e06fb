import { equalBytes } from '@rxtls/core/engine-parts';
import type { SubjectPublicKey } from '../crypto/crypto-provider.ts';
import type { SignatureAlgorithm } from '../crypto/signature-scheme.ts';
import { type CertificateExtensions, certificateExtensions, noExtensions } from './certificate-extensions.ts';
import { certificateTime } from './certificate-time.ts';
import { DerReader, derTag } from './der-reader.ts';
import { type DistinguishedName, distinguishedName } from './distinguished-name.ts';
import { algorithmIdentifier, signatureAlgorithm } from './signature-algorithm.ts';
import { subjectPublicKeyInfo } from './subject-public-key.ts';

/** A certificate (RFC 5280 §4.1) after reading. Every array is a view on `der`. */
export interface Certificate extends CertificateExtensions {
  readonly der: Uint8Array;
  /** What is signed. */
  readonly tbs: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Big-endian, without zeros in front. */
  readonly serial: Uint8Array;
  /** Name in DER. */
  readonly issuer: Uint8Array;
  /** Name in DER. */
  readonly subject: Uint8Array;
  readonly subjectName: DistinguishedName;
  /** Issuer and subject are the same name (RFC 5280 §6.1): a root, or an authority's new key. */
  readonly isSelfIssued: boolean;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKeyInfo: Uint8Array;
  /** Undefined for an algorithm that is not spoken here. */
  readonly publicKey: SubjectPublicKey | undefined;
  /** The only algorithm that may be used with the key, where the certificate says so (RFC 4055 §3.3). */
  readonly onlyAlgorithm: SignatureAlgorithm | undefined;
  /** Undefined for an algorithm that is not spoken here. */
  readonly signatureAlgorithm: SignatureAlgorithm | undefined;
  readonly signature: Uint8Array;
}

/**
 * Reads a certificate in DER, and nothing that is not DER; `der` must not change afterwards.
 * @throws CertificateError `bad-certificate`
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const outer = new DerReader(der, 'certificate');
  const certificate = outer.inside(derTag.sequence, 'body');
  outer.end();
  const { encoded: tbs, content } = certificate.element(derTag.sequence, 'tbsCertificate');
  const signed = certificate.element(derTag.sequence, 'signatureAlgorithm');
  const signature = certificate.bitStringBytes('signatureValue');
  certificate.end();
  const fields = certificate.nested(content, 'tbsCertificate');
  const version = readVersion(fields);
  const serial = serialNumber(fields);
  const algorithm = fields.element(derTag.sequence, 'signature');
  // RFC 5280 §4.1.1.2: "This field MUST contain the same algorithm identifier as the signature field in the sequence tbsCertificate".
  if (!equalBytes(algorithm.encoded, signed.encoded))
    throw fields.malformed('.signature is another algorithm than the one outside');
  const issuer = name(fields, 'issuer');
  const validity = fields.inside(derTag.sequence, 'validity');
  const notBefore = certificateTime(validity, 'notBefore');
  const notAfter = certificateTime(validity, 'notAfter');
  validity.end();
  const subject = name(fields, 'subject');
  const { der: publicKeyInfo, key: publicKey, onlyAlgorithm } = subjectPublicKeyInfo(fields, 'subjectPublicKeyInfo');
  const extensions = afterTheKey(fields, version);
  // RFC 5280 §4.1.2.4: "The issuer field MUST contain a non-empty distinguished name (DN)."
  if (issuer.name.length === 0) throw fields.malformed('.issuer is empty');
  return {
    ...extensions,
    der,
    tbs,
    version,
    serial,
    issuer: issuer.encoded,
    subject: subject.encoded,
    subjectName: subject.name,
    isSelfIssued: equalBytes(issuer.encoded, subject.encoded),
    notBefore,
    notAfter,
    publicKeyInfo,
    publicKey,
    onlyAlgorithm,
    signatureAlgorithm: signatureAlgorithm(algorithmIdentifier(fields.nested(algorithm.content, 'signature'))),
    signature,
  };
}

function readVersion(fields: DerReader): 1 | 2 | 3 {
  if (fields.nextTag !== 0xa0) return 1;
  const explicit = fields.inside(0xa0, 'version');
  const number = explicit.small('number');
  explicit.end();
  // Version ::= INTEGER { v1(0), v2(1), v3(2) } DEFAULT v1, and DER leaves out what is the default.
  if (number !== 1 && number !== 2) throw fields.malformed('.version is none that there is');
  return number === 1 ? 2 : 3;
}

/** RFC 5280 §4.1.2.2: no longer than 20 octets. Zero is not positive, but roots that are trusted everywhere have it. */
function serialNumber(fields: DerReader): Uint8Array {
  const serial = fields.unsigned('serialNumber');
  if (serial.length > 20) throw fields.malformed('.serialNumber is longer than 20 octets');
  return serial;
}

function name(fields: DerReader, field: string): { encoded: Uint8Array; name: DistinguishedName } {
  const { encoded, content } = fields.element(derTag.sequence, field);
  return { encoded, name: distinguishedName(fields.nested(content, field)) };
}

function afterTheKey(fields: DerReader, version: number): CertificateExtensions {
  for (const [tag, field] of [
    [0x81, 'issuerUniqueID'],
    [0x82, 'subjectUniqueID'],
  ] as const) {
    // RFC 5280 §4.1.2.8: "These fields MUST only appear if the version is 2 or 3".
    if (fields.optional(tag, field) !== undefined && version === 1) throw fields.malformed(`.${field} needs version 2`);
  }
  if (fields.isAtEnd) return noExtensions;
  const explicit = fields.inside(0xa3, 'extensions');
  const list = explicit.inside(derTag.sequence, 'list');
  explicit.end();
  fields.end();
  // RFC 5280 §4.1.2.9: "This field MUST only appear if the version is 3".
  if (version !== 3) throw fields.malformed('.extensions need version 3');
  return certificateExtensions(list);
}
