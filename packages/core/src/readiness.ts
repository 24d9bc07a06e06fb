import type { EngineState } from './engine/index.ts';

/** What keeps a write from going out now. */
export type BlockedOn = 'handshake' | 'task' | 'transport' | 'reader' | 'renegotiation' | 'closing';

/** Whether a write would go out now, and if not, why. Computed from the engine and the transport, never from our own queue. */
export interface Readiness {
  /** A write made now is sealed and handed to the transport at once. */
  readonly ready: boolean;
  /** Bytes the transport takes now. */
  readonly demand: number;
  readonly blockedOn: readonly BlockedOn[];
  /** What OpenSSL would answer to a write now: `READY`, or `SSL_ERROR_…` without the prefix. */
  readonly engine: EngineState;
}

export const sameReadiness = (a: Readiness, b: Readiness): boolean =>
  a.ready === b.ready &&
  a.demand === b.demand &&
  a.engine === b.engine &&
  a.blockedOn.length === b.blockedOn.length &&
  a.blockedOn.every((reason, index) => reason === b.blockedOn[index]);
