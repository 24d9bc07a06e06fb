import { ApiMisuseError } from '@rxtls/core/engine';

/**
 * One byte a letter: names and labels of the protocol. Letters up to U+00FF are taken, so that every protocol name a peer
 * can send (RFC 7301 allows any bytes) has its text and comes back from it.
 * @throws ApiMisuseError for a letter that is no byte
 */
export function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const letter = text.charCodeAt(at);
    if (letter > 0xff) throw new ApiMisuseError(`letter ${at} of a name is not ASCII`);
    bytes[at] = letter;
  }
  return bytes;
}

/** The text of bytes, one letter a byte. */
export function asciiText(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
