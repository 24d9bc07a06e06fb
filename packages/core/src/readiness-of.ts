import { engineState, type NegotiatedParameters } from './engine/index.ts';
import type { Inbound } from './inbound.ts';
import type { Outbound } from './outbound.ts';
import type { BlockedOn, Readiness } from './readiness.ts';
import { mayWrite, type SessionState } from './session-state.ts';

/** What readiness is computed from. */
export interface ReadinessFacts {
  readonly state: SessionState;
  readonly parameters: NegotiatedParameters | undefined;
  readonly tasks: number;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
}

/** The engine needs a read in the middle of traffic: a renegotiation, or whatever else the version has. */
export const isRenegotiating = ({ state, outbound }: ReadinessFacts): boolean =>
  (state === 'open' || state === 'closing') && outbound.readiness.state === engineState.wantRead;

export function readinessOf(facts: ReadinessFacts): Readiness {
  const { state, inbound, outbound, tasks } = facts;
  const blockedOn: BlockedOn[] = [];
  const demand = Math.max(0, outbound.demand);
  const { state: answer, maySend } = outbound.readiness;
  if (!mayWrite(state)) blockedOn.push('closing');
  if (state === 'starting' || state === 'handshaking') blockedOn.push('handshake');
  if (tasks > 0) blockedOn.push('task');
  if (demand === 0 || answer === engineState.wantWrite) blockedOn.push('transport');
  if (isRenegotiating(facts)) {
    blockedOn.push('renegotiation');
    if (inbound.isBlockedByReader) blockedOn.push('reader');
  }
  // With no demand below, OpenSSL's write would end in a BIO that takes nothing.
  const engine = demand === 0 && (maySend || answer === engineState.wantRead) ? engineState.wantWrite : answer;
  return { ready: maySend && blockedOn.length === 0, demand, blockedOn, engine };
}
