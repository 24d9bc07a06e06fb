import { Reader } from '../../presentation/reader.ts';
import { encodeHandshake } from './handshake-message.ts';

/** Finished (RFC 8446 §4.4.4). */
export interface Finished {
  readonly verifyData: Uint8Array;
}

/** The whole message. */
export const encodeFinished = ({ verifyData }: Finished): Uint8Array =>
  encodeHandshake('finished', (writer) => writer.bytes(verifyData));

/**
 * Reads a Finished without its header, `hashBytes` long; verify_data is a view of `body`.
 * @throws PeerMisbehavedError `decode_error` for any other length
 */
export function decodeFinished(body: Uint8Array, hashBytes: number): Finished {
  const reader = new Reader(body, 'Finished');
  // RFC 8446 §4.4.4: "opaque verify_data[Hash.length];"
  const verifyData = reader.bytes(hashBytes, 'verify_data');
  reader.end();
  return { verifyData };
}
