import { CertificateError } from '@rxtls/core/engine';
import { toBinaryString } from './binary-string.ts';
import type { ParsedCertificate } from './certificates.ts';
import { library } from './forge-library.ts';

/**
 * RFC 5280 §4.1: a certificate is three fields in DER, and §4.2 so is what an extension holds. node-forge hashes what it has
 * read and written again, and reads more than DER: what it takes for signed could be other bytes than those that came, and
 * say something else to whoever reads them by the letter.
 * @param read the identifiers of the extensions that are looked into.
 * @throws CertificateError
 */
export function checkEncoding({ der, certificate }: ParsedCertificate, read: readonly string[]): void {
  const values = certificate.extensions.filter(({ id }) => read.includes(id)).map(({ value }) => value);
  if (fieldsInDer(toBinaryString(der)) === 3 && values.every((value) => fieldsInDer(value) !== undefined)) return;
  throw new CertificateError('bad-certificate', 'a certificate of the peer is not in DER', { phase: 'verification' });
}

/** How many elements there are in what is one element of DER, undefined where it is not. */
function fieldsInDer(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const element = library.asn1.fromDer(text);
    if (library.asn1.toDer(element).getBytes() !== text) return undefined;
    return Array.isArray(element.value) ? element.value.length : 0;
  } catch {
    return undefined;
  }
}
