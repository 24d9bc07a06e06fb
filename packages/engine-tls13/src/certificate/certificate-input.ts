import { ApiMisuseError } from '@rxtls/core/engine';
import { latin1Text } from './latin1-text.ts';
import { type Certificate, parseCertificate } from './parse-certificate.ts';
import { pemBlocks } from './pem.ts';

/** PEM (any number of certificates) or one in DER, or a list of these. */
export type CertificateInput = string | Uint8Array | readonly (string | Uint8Array)[];

/**
 * Reads certificates in PEM or DER.
 * @param name of the option, for messages.
 * @throws ApiMisuseError when there is none, or one cannot be read.
 */
export function loadCertificates(input: unknown, name: string): readonly Certificate[] {
  const items: readonly unknown[] = Array.isArray(input) ? input : [input];
  const certificates = items.flatMap((item) => certificateDers(item, name)).map((der) => parse(der, name));
  if (certificates.length === 0)
    throw new ApiMisuseError(`${name} holds no certificate: PEM text or DER bytes are wanted, not a file's name`);
  return certificates;
}

function certificateDers(item: unknown, name: string): readonly Uint8Array[] {
  // A copy: what is the caller's may change.
  if (item instanceof Uint8Array && item[0] === 0x30) return [new Uint8Array(item)];
  const text = item instanceof Uint8Array ? latin1Text(item) : item;
  if (typeof text !== 'string') throw new ApiMisuseError(`${name} must be PEM or DER`);
  const labels = ['CERTIFICATE', 'X509 CERTIFICATE'];
  return pemBlocks(text, name).flatMap(({ label, der }) => (labels.includes(label) ? [der] : []));
}

function parse(der: Uint8Array, name: string): Certificate {
  try {
    return parseCertificate(der);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be read';
    throw new ApiMisuseError(`${name}: ${why}`, { cause });
  }
}
