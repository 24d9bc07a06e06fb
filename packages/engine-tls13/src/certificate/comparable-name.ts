import type { DistinguishedName, NameAttribute } from './distinguished-name.ts';
import { latin1Text } from './latin1-text.ts';

/** A name in a form in which equal strings are equal names (RFC 5280 §7.1): one string for each part of it, in order. */
export type ComparableName = readonly string[];

/** For constraints on names: an excluded name must not get by with other capitals or another type of string. */
export const comparableName = (name: DistinguishedName): ComparableName =>
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted is ES2023; this array is ours alone
  name.map((part) => part.map(comparable).sort().join('\n'));

/** Whether `name` is in the subtree under `base` (RFC 5280 §4.2.1.10). */
export const isUnderName = (name: ComparableName, base: ComparableName): boolean =>
  base.length <= name.length && base.every((part, index) => part === name[index]);

function comparable({ id, tag, content, text }: NameAttribute): string {
  if (text === undefined) return `${id}#${tag}#${latin1Text(content)}`;
  return `${id}=${text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')}`;
}
