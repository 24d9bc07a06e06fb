/** One element of DER (X.690). */
export interface DerElement {
  readonly tag: number;
  /** The contents octets. */
  readonly value: Uint8Array;
}

/** Tags of what is read here. */
export const derTag = { integer: 0x02, octets: 0x04, oid: 0x06, sequence: 0x30 } as const;

/**
 * All elements that `bytes` hold one after the other, or undefined when they are no DER: lengths have to be definite and shortest
 * (X.690 §10.1), tags one byte, and nothing may be left over.
 */
export function derElements(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    let length = bytes[at + 1];
    at += 2;
    if ((tag & 0x1f) === 0x1f || length === undefined) return undefined;
    if (length >= 0x80) {
      const lengthBytes = length - 0x80;
      if (lengthBytes < 1 || lengthBytes > 3 || at + lengthBytes > bytes.length) return undefined;
      length = bytes.subarray(at, at + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
      if (length < 0x80 || length < 256 ** (lengthBytes - 1)) return undefined;
      at += lengthBytes;
    }
    if (at + length > bytes.length) return undefined;
    elements.push({ tag, value: bytes.subarray(at, at + length) });
    at += length;
  }
  return elements;
}

/** The elements of `element`, when it is there and has that tag. */
export const derInside = (element: DerElement | undefined, tag: number): readonly DerElement[] | undefined =>
  element?.tag === tag ? derElements(element.value) : undefined;
