import { misbehaved } from './refusal.ts';
import type { Frame } from './script.ts';

/** One element of BER (X.690 §8.1), as LDAP uses it (RFC 4511 §5.1): one byte of tag, a definite length of at most four bytes. */
export interface BerElement {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** How long the element at the front is in all, or -1 while its length has not come. */
function elementLength(bytes: Uint8Array): number {
  const first = bytes[1];
  if (first === undefined) return -1;
  if (first < 128) return 2 + first;
  const count = first - 128;
  if (count === 0 || count > 4) throw misbehaved('a BER length is indefinite or over four bytes');
  if (bytes.length < 2 + count) return -1;
  let length = 0;
  for (const byte of bytes.subarray(2, 2 + count)) length = length * 256 + byte;
  return 2 + count + length;
}

/** Frames an element with this tag. */
export function berFrame(tag: number): Frame {
  return (held) => {
    if (held[0] !== undefined && held[0] !== tag) throw misbehaved('bytes are no LDAP message');
    return elementLength(held);
  };
}

/** The elements that fill these bytes exactly. */
export function berElements(bytes: Uint8Array): BerElement[] {
  const elements: BerElement[] = [];
  for (let rest = bytes; rest.length > 0; ) {
    const length = elementLength(rest);
    if (length < 0 || length > rest.length) throw misbehaved('a BER element is cut short');
    const [, first = 0] = rest;
    const header = first < 128 ? 2 : 2 + first - 128;
    elements.push({ tag: rest[0]!, content: rest.subarray(header, length) });
    rest = rest.subarray(length);
  }
  return elements;
}

/** An element of at most 127 bytes of content, which is all that is ever written here. */
export function berElement(tag: number, ...content: readonly (Uint8Array | readonly number[])[]): number[] {
  const bytes = content.flatMap((part) => [...part]);
  return [tag, bytes.length, ...bytes];
}
