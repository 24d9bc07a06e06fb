import { derElements, onlyElement } from '@rxtls/core/engine-parts';

/** OpenSSL's SSL_SESSION in DER (`i2d_SSL_SESSION`): `peer [3] EXPLICIT Certificate OPTIONAL` in a SEQUENCE. */
const tag = { sequence: 0x30, integer: 0x02, peer: 0xa3 } as const;

/** The peer's certificate in a session: undefined where it showed none; `unreadable` where this is no session as we know it. */
export function sessionLeaf(session: Uint8Array): Uint8Array | undefined | 'unreadable' {
  const content = onlyElement(session, tag.sequence);
  const fields = content && derElements(content);
  // The format's own version, which every one of them begins with.
  if (fields?.[0]?.tag !== tag.integer || fields[0].content.length !== 1 || fields[0].content[0] !== 1)
    return 'unreadable';
  const peer = fields.find((field) => field.tag === tag.peer);
  if (peer === undefined) return undefined;
  return derElements(peer.content)?.length === 1 ? new Uint8Array(peer.content) : 'unreadable';
}
