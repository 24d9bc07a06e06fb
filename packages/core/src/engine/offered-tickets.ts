import { ByteReader } from './byte-reader.ts';
import type { ClientHello } from './client-hello.ts';

const extensionType = { sessionTicket: 35, preSharedKey: 41 } as const;

/**
 * The tickets that a ClientHello offers, in its order and at most `max`: the identities of pre_shared_key (RFC 8446 §4.2.11),
 * then session_ticket (RFC 5077 §3.2). A malformed extension offers nothing, and is the engine's to refuse.
 */
export function offeredTickets(hello: Pick<ClientHello, 'message'>, max: number): readonly Uint8Array[] {
  try {
    const found = ticketExtensions(hello.message);
    const identities = found.preSharedKey === undefined ? [] : readIdentities(found.preSharedKey, max);
    const ticket = found.sessionTicket;
    return [...identities, ...(ticket === undefined || ticket.length === 0 ? [] : [ticket])].slice(0, max);
  } catch {
    // What cannot be read names no key: the engine reads it too, and says so with its own alert.
    return [];
  }
}

function ticketExtensions(message: Uint8Array): { preSharedKey?: Uint8Array; sessionTicket?: Uint8Array } {
  const hello = new ByteReader(message.subarray(4), 'ClientHello');
  hello.bytes(34, 'legacy_version and random');
  hello.vector(1, 0, 32, 'legacy_session_id');
  hello.vector(2, 2, 0xffff, 'cipher_suites');
  hello.vector(1, 1, 255, 'legacy_compression_methods');
  const found: { preSharedKey?: Uint8Array; sessionTicket?: Uint8Array } = {};
  if (hello.isAtEnd) return found;
  const extensions = hello.nested(hello.vector(2, 0, 0xffff, 'extensions'), 'extensions');
  while (!extensions.isAtEnd) {
    const type = extensions.uint16('extension_type');
    const data = extensions.vector(2, 0, 0xffff, 'extension_data');
    if (type === extensionType.preSharedKey) found.preSharedKey = data;
    else if (type === extensionType.sessionTicket) found.sessionTicket = data;
  }
  return found;
}

/** RFC 8446 §4.2.11: "PskIdentity identities<7..2^16-1>", each "opaque identity<1..2^16-1>; uint32 obfuscated_ticket_age". */
function readIdentities(data: Uint8Array, max: number): readonly Uint8Array[] {
  const extension = new ByteReader(data, 'pre_shared_key');
  const list = extension.nested(extension.vector(2, 7, 0xffff, 'identities'), 'identities');
  const identities: Uint8Array[] = [];
  while (!list.isAtEnd && identities.length < max) {
    identities.push(list.vector(2, 1, 0xffff, 'identity'));
    list.bytes(4, 'obfuscated_ticket_age');
  }
  return identities;
}
