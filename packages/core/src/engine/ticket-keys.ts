/**
 * The secrets behind a server's session tickets, 48 random bytes each: new tickets are sealed under `current`, those under any
 * of `previous` (at most 4) still open. Servers with equal keys and policy resume one another's sessions. A factory copies them.
 */
export interface TicketKeys {
  readonly current: Uint8Array;
  readonly previous?: readonly Uint8Array[];
}

/** Of each key. */
export const ticketKeyBytes = 48;
export const maxPreviousTicketKeys = 4;
