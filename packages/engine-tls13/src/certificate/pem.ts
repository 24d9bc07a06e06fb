import { ApiMisuseError } from '@rxtls/core/engine';

/** A block of PEM (RFC 7468): what stands after BEGIN, and the bytes. */
export interface PemBlock {
  readonly label: string;
  readonly der: Uint8Array;
}

/**
 * The blocks in a text, in their order; whatever stands between them is explanation (RFC 7468 §2).
 * @param name of the option, for messages, which hold nothing of the text.
 * @throws ApiMisuseError for a block without its end, with headers inside, or of bad base64.
 */
export function pemBlocks(text: string, name: string): readonly PemBlock[] {
  const blocks = Array.from(
    text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,64})-----([^-]*)-----END ([A-Z0-9 ]{1,64})-----/g),
    ([, label = '', body = '', end]): PemBlock => {
      if (label !== end) throw new ApiMisuseError(`${name} holds a PEM block with another end than its beginning`);
      return { label, der: base64Bytes(body, name) };
    },
  );
  if (blocks.length !== text.split('-----BEGIN ').length - 1)
    throw new ApiMisuseError(`${name} holds a PEM block that does not end, or with headers in it`);
  return blocks;
}

function base64Bytes(text: string, name: string): Uint8Array {
  // Every runtime has it (HTML §8.3), and none of the libraries that the compiler is told of.
  const { atob } = globalThis as unknown as { readonly atob: (text: string) => string };
  const body = text.replace(/[ \t\r\n]+/g, '');
  // RFC 7468 §3: padded base64; atob does without the padding, too.
  if (body.length > 0 && body.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(body)) {
    try {
      return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
    } catch {
      // What atob says may quote the text.
    }
  }
  throw new ApiMisuseError(`${name} holds PEM that is not base64`);
}
