import { Reader } from '../../presentation/reader.ts';
import { type Extensions, readExtensions, writeExtensions } from '../extensions/extension.ts';
import { encodeHandshake } from './handshake-message.ts';

/** NewSessionTicket (RFC 8446 §4.6.1). */
export interface NewSessionTicket {
  /** Seconds. A peer may say more than the seven days that whoever keeps tickets keeps them. */
  readonly lifetime: number;
  /** Milliseconds to be added to the ticket's age, modulo 2^32. */
  readonly ageAdd: number;
  readonly nonce: Uint8Array;
  readonly ticket: Uint8Array;
  readonly extensions: Extensions;
}

/** The whole message. */
export const encodeNewSessionTicket = (message: NewSessionTicket): Uint8Array =>
  encodeHandshake('new_session_ticket', (writer) => {
    writer.uint32(message.lifetime);
    writer.uint32(message.ageAdd);
    writer.vector(1, () => writer.bytes(message.nonce));
    writer.vector(2, () => writer.bytes(message.ticket));
    writer.vector(2, () => writeExtensions(writer, message.extensions));
  });

/**
 * Reads a NewSessionTicket without its header; what is in it are views of `body`.
 * @throws PeerMisbehavedError `decode_error`, `illegal_parameter`
 */
export function decodeNewSessionTicket(body: Uint8Array): NewSessionTicket {
  const reader = new Reader(body, 'NewSessionTicket');
  const lifetime = reader.uint32('ticket_lifetime');
  const ageAdd = reader.uint32('ticket_age_add');
  // RFC 8446 §4.6.1: "opaque ticket_nonce<0..255>;"
  const nonce = reader.vector(1, 0, 255, 'ticket_nonce');
  // RFC 8446 §4.6.1: "opaque ticket<1..2^16-1>;"
  const ticket = reader.vector(2, 1, 0xffff, 'ticket');
  // RFC 9846 §4.7.1: "Extension extensions<0..2^16-1>;" (RFC 8446 had 2^16-2 for the most).
  const block = reader.vector(2, 0, 0xffff, 'extensions');
  reader.end();
  return { lifetime, ageAdd, nonce, ticket, extensions: readExtensions(block, 'NewSessionTicket') };
}
