import type { CipherSuiteName } from '../crypto/cipher-suite.ts';

/** What a client keeps of a NewSessionTicket (RFC 8446 §4.6.1). */
export interface Tls13Session {
  readonly ticket: Uint8Array;
  readonly psk: Uint8Array;
  readonly suite: CipherSuiteName;
  readonly ageAdd: number;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** Seconds. */
  readonly lifetime: number;
}

/** RFC 8446 §4.6.1: "Clients MUST NOT cache tickets for longer than 7 days"; servers name no longer time. In milliseconds. */
export const maxSessionAge: number = 7 * 24 * 3_600 * 1_000;

/**
 * The longest ticket that is given out or kept. RFC 8446 §4.6.1 has tickets up to 2^16-1, which no ClientHello has room for
 * beside its other extensions: the connection after it would fail. In bytes.
 */
export const maxTicketBytes = 16_384;
