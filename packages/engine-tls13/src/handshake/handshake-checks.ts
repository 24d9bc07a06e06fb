import { type AlertDescription, PeerIncompatibleError, PeerMisbehavedError } from '@rxtls/core/engine';
import { handshakeTypeName } from './messages/handshake-type.ts';

/** A message came where another one, or none, belongs (RFC 8446 §4: "unexpected_message"). */
export const outOfOrder = (type: number, state: string): PeerMisbehavedError =>
  new PeerMisbehavedError(
    `${handshakeTypeName(type) ?? `a handshake message of type ${type}`} came in state ${state}`,
    {
      alert: 'unexpected_message',
    },
  );

export const illegal = (message: string): PeerMisbehavedError =>
  new PeerMisbehavedError(message, { alert: 'illegal_parameter' });

export const missing = (extension: string): PeerMisbehavedError =>
  new PeerMisbehavedError(`${extension} is missing`, { alert: 'missing_extension' });

export const incompatible = (message: string, alert: AlertDescription = 'handshake_failure'): PeerIncompatibleError =>
  new PeerIncompatibleError(message, { alert });
