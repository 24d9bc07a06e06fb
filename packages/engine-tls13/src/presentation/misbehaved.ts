import { type AlertDescription, PeerMisbehavedError } from '@rxtls/core/engine';

/** The peer's message breaks the protocol; `what` names the field and holds at most numbers of the peer's. */
export const misbehaved = (alert: AlertDescription, what: string): PeerMisbehavedError =>
  new PeerMisbehavedError(what, { alert });
