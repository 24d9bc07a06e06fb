import { type DerElement, derElements } from './der.ts';

/** The names of a certificate that a client may compare with the one it asked for. */
export interface SubjectAlternativeNames {
  /** dNSName entries, lower case; entries with any byte that no host name has are left out. */
  readonly dns: readonly string[];
  /** iPAddress entries: 4 or 16 bytes. */
  readonly addresses: readonly Uint8Array[];
}

const none: SubjectAlternativeNames = { dns: [], addresses: [] };
const sequence = 0x30;
const subjectAltName = Buffer.from([0x55, 0x1d, 0x11]);

/**
 * Reads subjectAltName (RFC 5280 §4.2.1.6) from the certificate's own DER: Node shows it as one string, in which names
 * with commas, quotes or NUL have been mistaken for others (CVE-2021-44532). What cannot be read yields no name.
 */
export function subjectAlternativeNames(certificate: Uint8Array): SubjectAlternativeNames {
  const names = extensionValue(certificate);
  if (names === undefined) return none;
  const dns: string[] = [];
  const addresses: Uint8Array[] = [];
  for (const { tag, content } of names) {
    if (tag === 0x82) {
      const name = hostName(content);
      if (name !== undefined) dns.push(name);
    } else if (tag === 0x87 && (content.length === 4 || content.length === 16)) addresses.push(content);
  }
  return { dns, addresses };
}

function hostName(bytes: Uint8Array): string | undefined {
  const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1').toLowerCase();
  return /^[a-z0-9_.*-]{1,253}$/.test(name) ? name : undefined;
}

function extensionValue(certificate: Uint8Array): readonly DerElement[] | undefined {
  const outer = only(derElements(certificate), sequence);
  const tbs = outer && first(derElements(outer), sequence);
  const explicit = tbs && derElements(tbs)?.find(({ tag }) => tag === 0xa3)?.content;
  const extensions = explicit && only(derElements(explicit), sequence);
  let found: readonly DerElement[] | undefined;
  for (const extension of (extensions && derElements(extensions)) ?? []) {
    const parts = derElements(extension.content);
    const id = parts?.[0];
    if (parts === undefined || id?.tag !== 0x06 || !subjectAltName.equals(id.content)) continue;
    // RFC 5280 §4.2: "A certificate MUST NOT include more than one instance of a particular extension."
    if (found !== undefined) return undefined;
    const value = parts.at(-1);
    const list = value?.tag === 0x04 ? only(derElements(value.content), sequence) : undefined;
    found = (list && derElements(list)) ?? [];
  }
  return found;
}

const first = (elements: readonly DerElement[] | undefined, tag: number): Uint8Array | undefined =>
  elements?.[0]?.tag === tag ? elements[0].content : undefined;

const only = (elements: readonly DerElement[] | undefined, tag: number): Uint8Array | undefined =>
  elements?.length === 1 ? first(elements, tag) : undefined;
