import { misbehaved } from '../../presentation/misbehaved.ts';
import { Reader } from '../../presentation/reader.ts';
import { encodeHandshake } from './handshake-message.ts';

/** KeyUpdate (RFC 8446 §4.6.3). */
export interface KeyUpdate {
  /** update_requested: the receiver has to update its keys too. */
  readonly updateRequested: boolean;
}

/** The whole message. */
export const encodeKeyUpdate = ({ updateRequested }: KeyUpdate): Uint8Array =>
  encodeHandshake('key_update', (writer) => writer.uint8(updateRequested ? 1 : 0));

/** Reads a KeyUpdate without its header. @throws PeerMisbehavedError `decode_error`, `illegal_parameter` */
export function decodeKeyUpdate(body: Uint8Array): KeyUpdate {
  const reader = new Reader(body, 'KeyUpdate');
  const request = reader.uint8('request_update');
  reader.end();
  // RFC 8446 §4.6.3: "If an implementation receives any other value, it MUST terminate the connection with an "illegal_parameter" alert."
  if (request > 1) throw misbehaved('illegal_parameter', `KeyUpdate with request_update ${request}`);
  return { updateRequested: request === 1 };
}
