import { ApiMisuseError } from '../engine/index.ts';

/** RFC 7301 §3.1: "Protocol names MUST NOT be empty" and are at most 255 bytes, here in UTF-8. @throws ApiMisuseError */
export function alpnList(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const protocols: readonly unknown[] = Array.isArray(value) ? [...(value as readonly unknown[])] : [];
  const isName = (item: unknown): item is string =>
    typeof item === 'string' && item !== '' && item.length <= 255 && utf8Bytes(item) <= 255;
  if (protocols.length === 0 || !protocols.every(isName))
    throw new ApiMisuseError('alpnProtocols must be a list of names of 1 to 255 bytes that is not empty');
  return Object.freeze(protocols);
}

/** Half a surrogate pair counts as what encoders put in its place: three bytes. */
function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
