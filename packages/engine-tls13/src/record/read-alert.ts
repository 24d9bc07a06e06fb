import { type AlertDescription, alertName, PeerMisbehavedError } from '@rxtls/core/engine';

/** An alert received (RFC 8446 §6). */
export interface ReceivedAlert {
  readonly level: 'warning' | 'fatal';
  /** Its number where no RFC here knows it. */
  readonly description: AlertDescription | number;
}

/** @throws PeerMisbehavedError `decode_error`, `unexpected_message` */
export function readAlert(content: Uint8Array): ReceivedAlert {
  const [level, number] = content;
  // RFC 8446 §5.4: for Handshake and Alert records "that have a zero-length TLSInnerPlaintext.content ... the receiving implementation MUST terminate the connection with an "unexpected_message" alert."
  if (content.length === 0) throw new PeerMisbehavedError('an empty alert', { alert: 'unexpected_message' });
  // RFC 8446 §5.1: "a record with an Alert type MUST contain exactly one message."
  if (content.length !== 2 || number === undefined)
    throw new PeerMisbehavedError('an alert is malformed', { alert: 'decode_error' });
  return { level: level === 1 ? 'warning' : 'fatal', description: alertName(number) ?? number };
}
