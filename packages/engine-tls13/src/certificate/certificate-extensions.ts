import { type DerReader, derTag } from './der-reader.ts';
import { type GeneralName, generalName } from './general-name.ts';
import { type NameConstraints, nameConstraints } from './name-constraints.ts';
import { objectId } from './object-id.ts';

/** The bits of KeyUsage that are asked for here (RFC 5280 §4.2.1.3). */
interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
}

/** BasicConstraints (RFC 5280 §4.2.1.9). */
interface BasicConstraints {
  readonly cA: boolean;
  readonly pathLenConstraint: number | undefined;
}

/** The extensions of a certificate; undefined for those that are not there. */
export interface CertificateExtensions {
  readonly basicConstraints?: BasicConstraints;
  readonly keyUsage?: KeyUsage;
  /** Object identifiers. */
  readonly extKeyUsage?: readonly string[];
  readonly subjectAltName?: readonly GeneralName[];
  readonly nameConstraints?: NameConstraints;
  /** The object identifiers of critical extensions that are none of these. */
  readonly unknownCritical: readonly string[];
}

/** Reads Extensions (RFC 5280 §4.2). @throws CertificateError */
export function certificateExtensions(list: DerReader): CertificateExtensions {
  const seen = new Set<string>();
  const unknownCritical: string[] = [];
  let known: Omit<CertificateExtensions, 'unknownCritical'> = {};
  // Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension
  do {
    const extension = list.inside(derTag.sequence, 'extension');
    const id = extension.objectId('extnID');
    const critical = extension.trueOrAbsent('critical');
    const content = extension.content(derTag.octetString, 'extnValue');
    extension.end();
    // RFC 5280 §4.2: "A certificate MUST NOT include more than one instance of a particular extension."
    if (seen.has(id)) throw list.malformed(`has two extensions ${id}`);
    seen.add(id);
    const read = readers.get(id);
    const value = extension.nested(content, id);
    if (read !== undefined) {
      known = { ...known, ...read(value, critical) };
      value.end();
    } else if (critical) unknownCritical.push(id);
  } while (!list.isAtEnd);
  return { ...known, unknownCritical };
}

type ReadExtension = (value: DerReader, critical: boolean) => Partial<CertificateExtensions>;

const readers: ReadonlyMap<string, ReadExtension> = new Map<string, ReadExtension>([
  [objectId.basicConstraints, (value) => ({ basicConstraints: basicConstraints(value) })],
  [objectId.keyUsage, (value) => ({ keyUsage: keyUsage(value) })],
  [objectId.extKeyUsage, (value) => ({ extKeyUsage: listOf(value, (list) => list.objectId('keyPurposeId')) })],
  [objectId.subjectAltName, (value) => ({ subjectAltName: listOf(value, generalName) })],
  [objectId.nameConstraints, (value, critical) => ({ nameConstraints: nameConstraints(value, critical) })],
]);

function basicConstraints(value: DerReader): BasicConstraints {
  const fields = value.inside(derTag.sequence, 'basicConstraints');
  const cA = fields.trueOrAbsent('cA');
  const pathLenConstraint = fields.isAtEnd ? undefined : fields.small('pathLenConstraint');
  fields.end();
  return { cA, pathLenConstraint };
}

function keyUsage(value: DerReader): KeyUsage {
  const [unused = 8, ...bytes] = value.content(derTag.bitString, 'keyUsage');
  const isBitString = unused < 8 && (bytes.at(-1) ?? 0) % 2 ** unused === 0;
  // RFC 5280 §4.2.1.3: "at least one of the bits MUST be set to 1". DER ends a list of named bits with a one, too (X.690
  // §11.2.2), but authorities that everybody trusts put zeros after it.
  if (!isBitString || bytes.every((byte) => byte === 0)) throw value.malformed('.keyUsage is no list of named bits');
  const first = bytes[0] ?? 0;
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0 };
}

/** SEQUENCE SIZE (1..MAX) OF */
function listOf<T>(value: DerReader, read: (list: DerReader) => T): readonly T[] {
  const list = value.inside(derTag.sequence, 'list');
  const items: T[] = [];
  do items.push(read(list));
  while (!list.isAtEnd);
  return items;
}
