import { extensionValue } from './certificate-der.ts';

/** The names of a certificate that a client may compare with the one it asked for. */
export interface SubjectAlternativeNames {
  /** dNSName entries, lower case; entries with any byte that no host name has are left out. */
  readonly dns: readonly string[];
  /** iPAddress entries: 4 or 16 bytes. */
  readonly addresses: readonly Uint8Array[];
}

const subjectAltName = Uint8Array.of(0x55, 0x1d, 0x11);

/**
 * Reads subjectAltName (RFC 5280 §4.2.1.6) from the certificate's own DER, whatever an engine's library says of it: Node
 * shows it as one string, in which names with commas, quotes or NUL have been mistaken for others (CVE-2021-44532), and
 * node-forge's reading keeps a NUL inside a name. What cannot be read yields no name.
 */
export function subjectAlternativeNames(certificate: Uint8Array): SubjectAlternativeNames {
  const dns: string[] = [];
  const addresses: Uint8Array[] = [];
  for (const { tag, content } of extensionValue(certificate, subjectAltName) ?? []) {
    if (tag === 0x82) {
      const name = hostName(content);
      if (name !== undefined) dns.push(name);
    } else if (tag === 0x87 && (content.length === 4 || content.length === 16)) addresses.push(content);
  }
  return { dns, addresses };
}

function hostName(bytes: Uint8Array): string | undefined {
  if (bytes.length > 253) return undefined;
  const name = String.fromCharCode(...bytes).toLowerCase();
  return /^[a-z0-9_.*-]+$/.test(name) ? name : undefined;
}
