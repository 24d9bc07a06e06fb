/** One element of DER: its tag byte and the bytes inside. */
export interface DerElement {
  readonly tag: number;
  readonly content: Uint8Array;
  /** The element whole, tag and length included. */
  readonly encoded: Uint8Array;
}

/** The elements in a run of DER (X.690 §8.1), or undefined when the lengths do not fit the bytes exactly. */
export function derElements(bytes: Uint8Array): readonly DerElement[] | undefined {
  const elements: DerElement[] = [];
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const tag = bytes[at++] ?? 0;
    // Tags of more than one byte do not occur in what is read here.
    if ((tag & 0x1f) === 0x1f) return undefined;
    const first = bytes[at++];
    if (first === undefined) return undefined;
    let length = first;
    if (first >= 0x80) {
      const size = first & 0x7f;
      if (size === 0 || size > 3 || at + size > bytes.length) return undefined;
      length = 0;
      for (let i = 0; i < size; i++) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (at + length > bytes.length) return undefined;
    elements.push({ tag, content: bytes.subarray(at, at + length), encoded: bytes.subarray(start, at + length) });
    at += length;
  }
  return elements;
}

/** The content of the only element in a run, if it has that tag. */
export function onlyElement(bytes: Uint8Array | undefined, tag: number): Uint8Array | undefined {
  const elements = bytes && derElements(bytes);
  return elements?.length === 1 && elements[0]?.tag === tag ? elements[0].content : undefined;
}

/** For what is no secret: it stops at the first difference. */
export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
};
