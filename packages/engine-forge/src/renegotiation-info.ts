import { PeerIncompatibleError, PeerMisbehavedError, recordHeaderBytes } from '@rxtls/core/engine';
import type { BinaryString } from './binary-string.ts';
import type { ForgeDigest, ForgeSession } from './forge-library.ts';

/** TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 §3.3): the client's signal, as node-forge takes cipher suites. */
export const emptyRenegotiationInfoScsv = { id: [0x00, 0xff], name: 'TLS_EMPTY_RENEGOTIATION_INFO_SCSV' } as const;

export const renegotiationInfoScsv = 0x00ff;
export const renegotiationInfoType = 0xff01;

/** `extensions` with an empty renegotiation_info as their only entry. */
const extensionBlock = '\x00\x05\xff\x01\x00\x01\x00';

/** RFC 5746 §3.4, §3.6: in a first handshake renegotiated_connection must be empty. @throws PeerIncompatibleError */
export function checkRenegotiationInfo(data: Uint8Array): void {
  if (data.length === 0) throw new PeerMisbehavedError('renegotiation_info is cut short', { alert: 'decode_error' });
  if (data.length === 1 && data[0] === 0) return;
  throw new PeerIncompatibleError('the peer takes this for a renegotiation', { alert: 'handshake_failure' });
}

/** A ServerHello of node-forge's, which has no extensions, with renegotiation_info behind it. */
function withRenegotiationInfo(message: BinaryString): BinaryString {
  const length = message.length - 4 + extensionBlock.length;
  return `\x02\x00${String.fromCharCode(length >> 8, length & 0xff)}${message.slice(4)}${extensionBlock}`;
}

/**
 * Has both handshake hashes see the ServerHello as it goes on the wire. node-forge gives them each message before it is
 * sealed, the ServerHello as the first of ours.
 */
export function hashRenegotiationInfo(session: ForgeSession): void {
  session.md5 = rewriting(session.md5);
  session.sha1 = rewriting(session.sha1);
}

function rewriting(digest: ForgeDigest): ForgeDigest {
  let done = false;
  const rewritten: ForgeDigest = {
    update: (bytes) => {
      const isServerHello = !done && bytes.charCodeAt(0) === 2;
      done ||= isServerHello;
      digest.update(isServerHello ? withRenegotiationInfo(bytes) : bytes);
      return rewritten;
    },
    digest: () => digest.digest(),
  };
  return rewritten;
}

/** Puts renegotiation_info into the ServerHello that node-forge has put into its first flight, once and where the client asked. */
export class RenegotiationInfoWriter {
  /** The client has signalled that it knows RFC 5746. */
  active = false;

  rewrite(ciphertext: BinaryString): BinaryString {
    const isServerHello = ciphertext.charCodeAt(0) === 22 && ciphertext.charCodeAt(recordHeaderBytes) === 2;
    if (!this.active || !isServerHello) return ciphertext;
    this.active = false;
    const end = recordHeaderBytes + ((ciphertext.charCodeAt(3) << 8) | ciphertext.charCodeAt(4));
    const message = withRenegotiationInfo(ciphertext.slice(recordHeaderBytes, end));
    const length = String.fromCharCode(message.length >> 8, message.length & 0xff);
    return ciphertext.slice(0, 3) + length + message + ciphertext.slice(end);
  }
}
