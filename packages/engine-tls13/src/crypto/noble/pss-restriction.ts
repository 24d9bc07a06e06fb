import { bytesToHex } from '@noble/curves/utils.js';
import { type DerElement, derElements, derInside, derTag } from './der-elements.ts';
import { type SignatureHash, signatureHashBytes } from '../signature-parameters.ts';

/** Object identifiers of RFC 8017 §A.2.3 and §B.1, in hexadecimal. */
const pssOid = '2a864886f70d01010a';
const mgf1Oid = '2a864886f70d010108';
const hashOid: Readonly<Record<SignatureHash, string>> = {
  sha256: '608648016503040201',
  sha384: '608648016503040202',
  sha512: '608648016503040203',
};

/**
 * Whether a key of id-RSASSA-PSS may be used with that hash, MGF1 of it and a salt of its length. RFC 4055 §3.3: without parameters everything
 * goes; with them hash and MGF must be theirs and the salt at least as long. What is absent of them stands for SHA-1 (§3.1).
 */
export function mayUsePss(subjectPublicKeyInfo: Uint8Array, hash: SignatureHash): boolean {
  const [info] = derElements(subjectPublicKeyInfo) ?? [];
  const [identifier] = derInside(info, derTag.sequence) ?? [];
  const [oid, parameters, ...more] = derInside(identifier, derTag.sequence) ?? [];
  if (!isOid(oid, pssOid) || more.length > 0) return false;
  if (parameters === undefined) return true;
  const fields = derInside(parameters, derTag.sequence);
  const field = (tag: number): DerElement | undefined => {
    const [value, ...others] =
      derInside(
        fields?.find((each) => each.tag === tag),
        tag,
      ) ?? [];
    return others.length > 0 ? undefined : value;
  };
  const [mgf, mgfHash] = derInside(field(0xa1), derTag.sequence) ?? [];
  return (
    isHash(field(0xa0), hash) &&
    isOid(mgf, mgf1Oid) &&
    isHash(mgfHash, hash) &&
    leastSalt(field(0xa2)) <= signatureHashBytes[hash]
  );
}

const isOid = (element: DerElement | undefined, oid: string): boolean =>
  element?.tag === derTag.oid && bytesToHex(element.value) === oid;

const isHash = (element: DerElement | undefined, hash: SignatureHash): boolean =>
  isOid(derInside(element, derTag.sequence)?.[0], hashOid[hash]);

/** RFC 4055 §3.1: "The default value is 20." A salt of two bytes' length or negative is longer than any hash. */
function leastSalt(element: DerElement | undefined): number {
  if (element === undefined) return 20;
  const [value] = element.value;
  return element.tag === derTag.integer && element.value.length === 1 && value! < 0x80 ? value! : Infinity;
}
