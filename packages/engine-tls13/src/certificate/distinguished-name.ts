import { type DerReader, derTag } from './der-reader.ts';
import { nameString } from './name-string.ts';

/** One attribute of a name, as it stands in the certificate. */
export interface NameAttribute {
  readonly id: string;
  readonly tag: number;
  readonly content: Uint8Array;
  /** Undefined for a value that is no string. */
  readonly text: string | undefined;
}

/** RelativeDistinguishedNames in their order, each with its attributes. */
export type DistinguishedName = readonly (readonly NameAttribute[])[];

/** What else stands in names: a unique identifier is a bit string, a postal address a sequence (X.520). */
const otherValues: readonly number[] = [derTag.bitString, derTag.sequence];

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
      const text = nameString(tag, content);
      if (text === undefined && !otherValues.includes(tag)) throw attribute.malformed('.value is no string');
      attributes.push({ id, tag, content, text });
    } while (!set.isAtEnd);
    parts.push(attributes);
  }
  return parts;
}
