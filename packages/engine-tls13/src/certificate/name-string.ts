import { latin1Text } from './latin1-text.ts';

/**
 * The types of strings that names have (RFC 5280 §A.1, DirectoryString, IA5String and NumericString) by tag, and how many bytes a
 * character has: UTF8String, NumericString, PrintableString, TeletexString, IA5String, UniversalString, BMPString.
 */
const characterBytes: ReadonlyMap<number, 1 | 2 | 4 | 'utf8'> = new Map<number, 1 | 2 | 4 | 'utf8'>([
  [0x0c, 'utf8'],
  [0x12, 1],
  [0x13, 1],
  [0x14, 1],
  [0x16, 1],
  [0x1c, 4],
  [0x1e, 2],
]);

/** The text of a string in a name; undefined when it is of another type, or none. */
export function nameString(tag: number, content: Uint8Array): string | undefined {
  const width = characterBytes.get(tag);
  if (width === undefined) return undefined;
  if (width === 1 || (width === 'utf8' && content.every((byte) => byte < 0x80))) return latin1Text(content);
  return width === 'utf8' ? utf8Text(content) : wideText(content, width);
}

function wideText(bytes: Uint8Array, width: number): string | undefined {
  if (bytes.length % width !== 0) return undefined;
  let text = '';
  for (let at = 0; at < bytes.length; at += width) {
    const code = bytes.subarray(at, at + width).reduce((sum, byte) => sum * 256 + byte, 0);
    if (code > 0x10ffff) return undefined;
    text += String.fromCodePoint(code);
  }
  return text;
}

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decodeURIComponent(Array.from(bytes, (byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
  } catch {
    return undefined;
  }
}
