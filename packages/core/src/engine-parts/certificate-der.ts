import { type DerElement, derElements, equalBytes, onlyElement } from './der.ts';

const sequence = 0x30;

/** tbsCertificate's fields (RFC 5280 §4.1), the version left out where it is. */
function tbsFields(certificate: Uint8Array): { fields: readonly DerElement[]; extensions: readonly DerElement[] } {
  const outer = onlyElement(certificate, sequence);
  const tbs = outer && derElements(outer)?.[0];
  const all = tbs?.tag === sequence ? (derElements(tbs.content) ?? []) : [];
  const fields = all[0]?.tag === 0xa0 ? all.slice(1) : all;
  const list = onlyElement(fields.find(({ tag }) => tag === 0xa3)?.content, sequence);
  return { fields, extensions: (list && derElements(list)) ?? [] };
}

/** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) as it stands in the certificate, or undefined where it cannot be read. */
export const subjectPublicKeyInfo = (certificate: Uint8Array): Uint8Array | undefined =>
  tbsFields(certificate).fields[5]?.encoded;

/** What is inside an extension's value, by the content bytes of its object identifier; undefined without exactly one. */
export function extensionValue(certificate: Uint8Array, id: Uint8Array): readonly DerElement[] | undefined {
  const found = tbsFields(certificate).extensions.flatMap(({ content }) => {
    const parts = derElements(content);
    const [type] = parts ?? [];
    return parts !== undefined && type?.tag === 0x06 && equalBytes(type.content, id) ? [parts] : [];
  });
  // RFC 5280 §4.2: "A certificate MUST NOT include more than one instance of a particular extension."
  if (found.length !== 1) return undefined;
  const value = found[0]?.at(-1);
  const list = value?.tag === 0x04 ? onlyElement(value.content, sequence) : undefined;
  return list && derElements(list);
}
