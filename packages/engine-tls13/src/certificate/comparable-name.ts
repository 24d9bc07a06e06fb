import { CertificateError } from '@rxtls/core/engine';
import type { DistinguishedName, NameAttribute } from './distinguished-name.ts';

/** A name in a form in which equal strings are equal names (RFC 5280 §7.1): one string for each part of it, in order. */
export type ComparableName = readonly string[];

/** The types of DirectoryString and IA5String by tag, and how many bytes a character has. */
const stringWidth: ReadonlyMap<number, 1 | 2 | 4 | 'utf8'> = new Map<number, 1 | 2 | 4 | 'utf8'>([
  [0x0c, 'utf8'],
  [0x13, 1],
  [0x14, 1],
  [0x16, 1],
  [0x1c, 4],
  [0x1e, 2],
]);

/**
 * For constraints on names: an excluded name must not get by with other capitals or another type of string.
 * @throws CertificateError for a string that is none.
 */
export const comparableName = (name: DistinguishedName): ComparableName =>
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted is ES2023; this array is ours alone
  name.map((part) => part.map(comparable).sort().join('\n'));

/** Whether `name` is in the subtree under `base` (RFC 5280 §4.2.1.10). */
export const isUnderName = (name: ComparableName, base: ComparableName): boolean =>
  base.length <= name.length && base.every((part, index) => part === name[index]);

function comparable({ id, tag, content }: NameAttribute): string {
  const width = stringWidth.get(tag);
  if (width === undefined) return `${id}#${tag}#${wideText(content, 1)}`;
  const text = width === 'utf8' ? utf8Text(content) : wideText(content, width);
  return `${id}=${text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')}`;
}

function wideText(bytes: Uint8Array, width: 1 | 2 | 4): string {
  if (bytes.length % width !== 0) throw noString();
  let text = '';
  for (let at = 0; at < bytes.length; at += width) {
    let code = 0;
    for (let index = at; index < at + width; index++) code = code * 256 + (bytes[index] ?? 0);
    if (code > 0x10ffff) throw noString();
    text += String.fromCodePoint(code);
  }
  return text;
}

function utf8Text(bytes: Uint8Array): string {
  try {
    return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
  } catch {
    throw noString();
  }
}

const noString = (): CertificateError =>
  new CertificateError('bad-certificate', 'a name in a certificate of the peer holds a string that is none', {
    phase: 'verification',
  });
