import { type DerReader, derTag } from './der-reader.ts';
import { type GeneralName, generalName } from './general-name.ts';

/** NameConstraints (RFC 5280 §4.2.1.10): the bases of their subtrees. */
export interface NameConstraints {
  readonly critical: boolean;
  readonly permitted: readonly GeneralName[];
  readonly excluded: readonly GeneralName[];
}

/** @throws CertificateError */
export function nameConstraints(value: DerReader, critical: boolean): NameConstraints {
  const fields = value.inside(derTag.sequence, 'nameConstraints');
  const permitted = subtrees(fields, 0xa0, 'permittedSubtrees');
  const excluded = subtrees(fields, 0xa1, 'excludedSubtrees');
  fields.end();
  // "Conforming CAs MUST NOT issue certificates where name constraints is an empty sequence."
  if (permitted.length + excluded.length === 0) throw fields.malformed('is empty');
  return { critical, permitted, excluded };
}

function subtrees(fields: DerReader, tag: number, field: string): readonly GeneralName[] {
  if (fields.nextTag !== tag) return [];
  const list = fields.inside(tag, field);
  const bases: GeneralName[] = [];
  // GeneralSubtrees ::= SEQUENCE SIZE (1..MAX) OF GeneralSubtree
  do {
    const subtree = list.inside(derTag.sequence, 'generalSubtree');
    const base = generalName(subtree);
    // "the minimum MUST be zero, and maximum MUST be absent": zero is the default, which DER leaves out.
    subtree.end();
    if (base.form === 'iPAddress' && !isNetwork(base.content)) throw subtree.malformed('.iPAddress is no network');
    bases.push(base);
  } while (!list.isAtEnd);
  return bases;
}

/** An address and its mask "in the style of RFC 4632 (CIDR)": ones, then zeros. */
function isNetwork(content: Uint8Array): boolean {
  if (content.length !== 8 && content.length !== 32) return false;
  const mask = Array.from(content.subarray(content.length / 2), (byte) => byte.toString(2).padStart(8, '0')).join('');
  return !mask.includes('01');
}
