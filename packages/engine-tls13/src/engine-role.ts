import type { CryptoProvider } from './crypto/crypto-provider.ts';
import type { Connected, Handshake, HandshakeConnection } from './handshake/handshake-connection.ts';
import type { HandshakeMessage } from './record/handshake-deframer.ts';
import type { OutgoingSeam } from './outgoing-seam.ts';
import type { RecordPadding } from './record/record-sender.ts';

/** What differs between a client's and a server's connection. */
export interface EngineRole {
  readonly crypto: CryptoProvider;
  readonly padding: RecordPadding | undefined;
  readonly keylog: boolean;
  /** Our Finished or hello opens the time in which the peer may send a ChangeCipherSpec (RFC 8446 §5). */
  readonly sendsFirst: boolean;
  readonly seam: OutgoingSeam | undefined;
  handshake(connection: HandshakeConnection): Handshake;
  /** A message after the handshake that is no KeyUpdate. True when it was a ticket that is kept. @throws PeerMisbehavedError */
  postHandshake(message: HandshakeMessage, connected: Connected, tickets: TicketsKept): boolean;
}

/** How many tickets a connection has kept, and the clock for their ages. */
export interface TicketsKept {
  kept: number;
  readonly max: number;
  now: number;
}
