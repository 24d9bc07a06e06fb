import { ApiMisuseError } from '@rxtls/core/engine';
import { fromBinaryString, toBinaryString } from './binary-string.ts';
import { type ForgeCertificate, library } from './forge-library.ts';

/** PEM (any number of certificates) or one in DER, or a list of these. */
export type CertificateInput = string | Uint8Array | readonly (string | Uint8Array)[];

/** A certificate as it came, and as node-forge reads it. */
export interface ParsedCertificate {
  readonly der: Uint8Array;
  readonly certificate: ForgeCertificate;
}

/** @throws when node-forge cannot read it: it reads RSA keys only. */
export const parseCertificate = (der: Uint8Array): ParsedCertificate => ({
  der,
  certificate: library.pki.certificateFromAsn1(library.asn1.fromDer(toBinaryString(der)), true),
});

/**
 * The DER of certificates in PEM or DER, unread.
 * @throws ApiMisuseError when there is none.
 */
export function certificateDers(input: unknown, name: string): readonly Uint8Array[] {
  const items: readonly unknown[] = Array.isArray(input) ? input : [input];
  const ders = items.flatMap((item) => {
    if (item instanceof Uint8Array && item[0] === 0x30) return [new Uint8Array(item)];
    const text = item instanceof Uint8Array ? toBinaryString(item) : item;
    if (typeof text !== 'string') throw new ApiMisuseError(`${name} must be PEM or DER`);
    return pemBlocks(text, name);
  });
  if (ders.length === 0) throw new ApiMisuseError(`${name} holds no certificate`);
  return ders;
}

function pemBlocks(text: string, name: string): readonly Uint8Array[] {
  const blocks = text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]+-----/g) ?? [];
  try {
    return blocks.map((block) => fromBinaryString(library.pem.decode(block)[0]?.body ?? ''));
  } catch {
    throw new ApiMisuseError(`${name} holds PEM that cannot be read`);
  }
}

/** Reads certificates. @throws ApiMisuseError when there is none, or node-forge cannot read one. */
export function loadCertificates(input: unknown, name: string): readonly ParsedCertificate[] {
  return certificateDers(input, name).map((der) => {
    try {
      return parseCertificate(der);
    } catch {
      throw new ApiMisuseError(`${name} holds a certificate that cannot be read: node-forge knows RSA keys only`);
    }
  });
}
