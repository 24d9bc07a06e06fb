import { PeerIncompatibleError, PeerMisbehavedError } from '@rxtls/core/engine';

/** The other side kept to its protocol and does not begin TLS (or open the tunnel). Says by a code why, never in the peer's words. */
export const refused = (what: string): PeerIncompatibleError => new PeerIncompatibleError(what);

/** The other side broke its protocol. */
export const misbehaved = (what: string): PeerMisbehavedError => new PeerMisbehavedError(what);
