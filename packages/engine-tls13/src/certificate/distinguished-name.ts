import { type DerReader, derTag } from './der-reader.ts';

/** One attribute of a name, as it stands in the certificate. */
export interface NameAttribute {
  readonly id: string;
  readonly tag: number;
  readonly content: Uint8Array;
}

/** RelativeDistinguishedNames in their order, each with its attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

/** Reads the content of a Name (RFC 5280 §4.1.2.4). @throws CertificateError */
export function distinguishedName(name: DerReader): DistinguishedName {
  const parts: NameAttribute[][] = [];
  while (!name.isAtEnd) {
    const set = name.inside(derTag.set, 'relativeDistinguishedName');
    const attributes: NameAttribute[] = [];
    // RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
    do {
      const attribute = set.inside(derTag.sequence, 'attribute');
      const id = attribute.objectId('type');
      const { tag, content } = attribute.any('value');
      attribute.end();
      attributes.push({ id, tag, content });
    } while (!set.isAtEnd);
    parts.push(attributes);
  }
  return parts;
}
