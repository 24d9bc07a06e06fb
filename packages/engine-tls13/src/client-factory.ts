import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { tls13Capabilities } from './capabilities.ts';
import { type ClientSettings, clientSettings, type Tls13ClientOptions } from './client-options.ts';
import type { CryptoProvider } from './crypto/crypto-provider.ts';
import type { EngineRole, TicketsKept } from './engine-role.ts';
import { ClientHandshake } from './handshake/client-handshake.ts';
import { checkUnusedExtensions } from './handshake/extensions/unused-extensions.ts';
import type { Connected } from './handshake/handshake-connection.ts';
import { outOfOrder } from './handshake/handshake-checks.ts';
import { handshakeType } from './handshake/messages/handshake-type.ts';
import { decodeNewSessionTicket } from './handshake/messages/new-session-ticket.ts';
import { ticketPsk } from './key-schedule/traffic-keys.ts';
import type { OutgoingSeam } from './outgoing-seam.ts';
import type { HandshakeMessage } from './record/handshake-deframer.ts';
import { maxSessionAge, maxTicketBytes } from './session/tls13-session.ts';
import { Tls13TlsEngine } from './tls13-tls-engine.ts';

/** `tls13Engine.client`; `seam` is for tests. @throws ApiMisuseError for options that make no sense or weaken security unsaid. */
export function clientFactory(
  crypto: CryptoProvider,
  options: Tls13ClientOptions,
  seam?: OutgoingSeam,
): TlsEngineFactory<'client'> {
  const settings = clientSettings(crypto, options);
  const role: EngineRole = {
    crypto,
    padding: settings.padding,
    keylog: settings.keylog,
    sendsFirst: true,
    seam,
    handshake: (connection) => new ClientHandshake(connection, settings),
    postHandshake: (message, connected, tickets) => keepTicket(settings, message, connected, tickets),
  };
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine => new Tls13TlsEngine(role, sink, host);
  return Object.freeze(Object.assign(make, { role: 'client' as const, capabilities: tls13Capabilities }));
}

/** A NewSessionTicket (RFC 8446 §4.6.1); past `maxTickets`, or too long to be offered, it is ignored. */
function keepTicket(
  { crypto, sessions }: ClientSettings,
  message: HandshakeMessage,
  { suite, resumption, parameters, firstVerifiedAt }: Connected,
  tickets: TicketsKept,
): boolean {
  // RFC 8446 §4.6.2: a client that did not offer post_handshake_auth "MUST send an "unexpected_message" fatal alert" for a CertificateRequest.
  if (message.type !== handshakeType.new_session_ticket) throw outOfOrder(message.type, 'CONNECTED');
  const { lifetime, ageAdd, nonce, ticket, extensions } = decodeNewSessionTicket(message.bytes.subarray(4));
  checkUnusedExtensions(extensions, 'NewSessionTicket');
  // RFC 8446 §4.6.1: "The value of zero indicates that the ticket should be discarded immediately."
  if (lifetime === 0 || ticket.length > maxTicketBytes || tickets.kept >= tickets.max) return false;
  const { chain } = parameters.peer;
  if (!sessions.mayKeep(chain)) return false;
  const session = {
    ticket: new Uint8Array(ticket),
    psk: ticketPsk(crypto, suite.hash, resumption, nonce),
    suite: suite.name,
    ageAdd,
    receivedAt: tickets.now,
    lifetime: Math.min(lifetime, maxSessionAge / 1_000),
  };
  sessions.put(session, chain, firstVerifiedAt);
  tickets.kept++;
  return true;
}
