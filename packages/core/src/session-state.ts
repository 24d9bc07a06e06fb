import type { TlsPhase } from './engine/index.ts';

/** What happens to a connection. */
export type SessionEvent =
  /** An engine was made. */
  | 'engineMade'
  /** Handshake and verification passed. */
  | 'negotiated'
  /** The peer's close_notify came. */
  | 'peerClosed'
  /** Our close was put into the queue. */
  | 'closeQueued'
  /** Our close_notify was given to the engine. */
  | 'closeSent'
  /** It ended uncleanly, or was unsubscribed. */
  | 'failed';

export type SessionState =
  | 'starting'
  | 'handshaking'
  | 'open'
  | 'closing'
  | 'writeClosed'
  | 'readClosed'
  | 'lastClosing'
  | 'closed'
  | 'failed';

/**
 * handshake × read side × write side, as the states that exist. A missing cell is an event that changes nothing there,
 * or that cannot come. ARCHITECTURE.md draws its diagram from this table, and every cell is a test.
 */
export const sessionTable: Readonly<Record<SessionState, Partial<Readonly<Record<SessionEvent, SessionState>>>>> = {
  /** Servers: until the ClientHello is complete. Clients: until there is an engine. */
  starting: { engineMade: 'handshaking', failed: 'failed' },
  handshaking: { negotiated: 'open', failed: 'failed' },
  open: { peerClosed: 'readClosed', closeQueued: 'closing', failed: 'failed' },
  /** Both sides open; our close waits behind writes. */
  closing: { closeSent: 'writeClosed', peerClosed: 'lastClosing', failed: 'failed' },
  /** Half-closed: we go on reading. */
  writeClosed: { peerClosed: 'closed', failed: 'failed' },
  /** Half-closed: we go on writing (TLS 1.3). */
  readClosed: { closeQueued: 'lastClosing', failed: 'failed' },
  /** The peer has closed; our close waits behind writes. */
  lastClosing: { closeSent: 'closed', failed: 'failed' },
  /** close_notify went both ways. What is sealed may still be on its way into the transport. */
  closed: { failed: 'failed' },
  failed: {},
};

/** The state after an event, or the same one where the table has no cell. */
export function nextState(state: SessionState, event: SessionEvent): SessionState {
  return sessionTable[state][event] ?? state;
}

const phases: Readonly<Record<SessionState, TlsPhase>> = {
  starting: 'client-hello',
  handshaking: 'handshake',
  open: 'open',
  closing: 'closing',
  writeClosed: 'closing',
  readClosed: 'open',
  lastClosing: 'closing',
  closed: 'closed',
  failed: 'closed',
};

/** The state's name in errors. */
export const phaseOf = (state: SessionState): TlsPhase => phases[state];

/** New writes are accepted. Whether the peer's close forbids them is the version's matter (`readClosed`). */
export const mayWrite = (state: SessionState): boolean =>
  state === 'starting' || state === 'handshaking' || state === 'open' || state === 'readClosed';

/** The handshake is over and close_notify has not been sent. */
export const maySendActions = (state: SessionState): boolean =>
  state === 'open' || state === 'closing' || state === 'readClosed' || state === 'lastClosing';

/** The peer's close_notify has come. */
export const hasPeerClosed = (state: SessionState): boolean =>
  state === 'readClosed' || state === 'lastClosing' || state === 'closed';
