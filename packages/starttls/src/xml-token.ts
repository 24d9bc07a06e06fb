import { textOf } from './ascii.ts';
import { misbehaved } from './refusal.ts';
import type { Frame, Script } from './script.ts';

/** A tag, or the text before the next one. Entities are left as they are. */
export type XmlToken =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'declaration' }
  | { readonly kind: 'close'; readonly name: string }
  | { readonly kind: 'open' | 'empty'; readonly name: string; readonly attributes: ReadonlyMap<string, string> };

const less = 0x3c;
const greater = 0x3e;
const quotes: readonly number[] = [0x22, 0x27];

/** Text up to the next tag, or a tag up to the `>` that is in no quotes. */
const tokenFrame: Frame = (held) => {
  if (held.length === 0) return -1;
  if (held[0] !== less) return held.indexOf(less);
  // RFC 6120 §11.1: no comments, no processing instructions, no DTD; CDATA has no business before TLS.
  if (held[1] === 0x21) throw misbehaved('a comment, a CDATA section or a DTD');
  let quote = 0;
  for (let at = 1; at < held.length; at++) {
    const byte = held[at]!;
    if (quote !== 0) quote = byte === quote ? 0 : quote;
    else if (quotes.includes(byte)) quote = byte;
    else if (byte === greater) return at + 1;
    else if (byte === less) throw misbehaved('a tag within a tag');
  }
  return -1;
};

const name = String.raw`[A-Za-z_][\w.-]*(?::[A-Za-z_][\w.-]*)?`;
const attribute = String.raw`\s+(${name})\s*=\s*("[^"<]*"|'[^'<]*')`;
const openTag = new RegExp(String.raw`^<(${name})((?:${attribute})*)\s*(/?)>$`);
const closeTag = new RegExp(String.raw`^</(${name})\s*>$`);

export function* xmlToken(): Script<XmlToken> {
  const text = textOf(yield tokenFrame);
  if (!text.startsWith('<')) return { kind: 'text', text };
  if (/^<\?xml\s[^?<>]*\?>$/.test(text)) return { kind: 'declaration' };
  const [, closed] = closeTag.exec(text) ?? [];
  if (closed !== undefined) return { kind: 'close', name: closed };
  const opened = openTag.exec(text);
  if (opened === null) throw misbehaved('a tag is not well-formed');
  const attributes = new Map<string, string>();
  for (const [, key = '', value = ''] of opened[2]!.matchAll(new RegExp(attribute, 'g'))) {
    if (attributes.has(key)) throw misbehaved('an attribute comes twice in a tag');
    attributes.set(key, value.slice(1, -1));
  }
  return { kind: opened.at(-1) === '/' ? 'empty' : 'open', name: opened[1]!, attributes };
}
