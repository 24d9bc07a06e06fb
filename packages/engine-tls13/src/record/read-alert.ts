import { type AlertDescription, alertName, PeerMisbehavedError } from '@rxtls/core/engine';

/** An alert received (RFC 8446 §6). */
export interface ReceivedAlert {
  readonly level: 'warning' | 'fatal';
  /** Its number where no RFC here knows it. */
  readonly description: AlertDescription | number;
}

/** @throws PeerMisbehavedError `decode_error` */
export function readAlert(content: Uint8Array): ReceivedAlert {
  const [level, number] = content;
  // RFC 8446 §5.1: "a record with an Alert type MUST contain exactly one message."
  if (content.length !== 2 || number === undefined)
    throw new PeerMisbehavedError('an alert is malformed', { alert: 'decode_error' });
  return { level: level === 1 ? 'warning' : 'fatal', description: alertName(number) ?? number };
}
