import { type AlertDescription, PeerIncompatibleError, PeerMisbehavedError } from '@rxtls/core/engine';
import { misbehaved } from '../presentation/misbehaved.ts';
import { handshakeTypeName } from './messages/handshake-type.ts';

/** A message came where another one, or none, belongs (RFC 8446 §4: "unexpected_message"). */
export const outOfOrder = (type: number, state: string): PeerMisbehavedError =>
  misbehaved(
    'unexpected_message',
    `${handshakeTypeName(type) ?? `a handshake message of type ${type}`} came in state ${state}`,
  );

export const illegal = (message: string): PeerMisbehavedError => misbehaved('illegal_parameter', message);

export const missing = (extension: string): PeerMisbehavedError =>
  misbehaved('missing_extension', `${extension} is missing`);

export const incompatible = (message: string, alert: AlertDescription = 'handshake_failure'): PeerIncompatibleError =>
  new PeerIncompatibleError(message, { alert });
