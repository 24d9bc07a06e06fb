import { PeerMisbehavedError } from '@rxtls/core/engine';
import { type BinaryString, toBinaryString } from './binary-string.ts';
import { ByteCursor } from './byte-cursor.ts';

/** A ServerHello (RFC 4346 §7.4.1.3, extensions RFC 4366 §2.2). */
export interface ServerHello {
  /** 0x0302 for TLS 1.1. */
  readonly version: number;
  readonly sessionId: BinaryString;
  readonly cipherSuite: number;
  readonly extensions: ReadonlyMap<number, Uint8Array>;
}

/** @throws PeerMisbehavedError for a malformed one */
export function readServerHello(message: Uint8Array): ServerHello {
  const hello = new ByteCursor(message, 'ServerHello', 4);
  const version = hello.number(2);
  hello.take(32);
  const sessionId = hello.vector(1);
  if (sessionId.length > 32) throw hello.malformed();
  const cipherSuite = hello.number(2);
  if (hello.number(1) !== 0)
    throw new PeerMisbehavedError('the server chose a compression that was not offered', {
      alert: 'illegal_parameter',
    });
  const extensions = hello.isAtEnd ? new Map<number, Uint8Array>() : readExtensions(hello.vector(2));
  hello.end();
  return { version, sessionId: toBinaryString(sessionId), cipherSuite, extensions };
}

/** Extensions by their type. @throws PeerMisbehavedError */
export function readExtensions(block: Uint8Array): ReadonlyMap<number, Uint8Array> {
  const extensions = new Map<number, Uint8Array>();
  const rest = new ByteCursor(block, 'list of extensions');
  while (!rest.isAtEnd) {
    const type = rest.number(2);
    if (extensions.has(type)) throw new PeerMisbehavedError('an extension comes twice', { alert: 'illegal_parameter' });
    extensions.set(type, rest.vector(2));
  }
  return extensions;
}

/** The certificates in a Certificate message (RFC 4346 §7.4.2), in DER as sent. @throws PeerMisbehavedError */
export function readCertificates(message: Uint8Array): readonly Uint8Array[] {
  const outer = new ByteCursor(message, 'Certificate message', 4);
  const list = new ByteCursor(outer.vector(3), 'Certificate message');
  outer.end();
  const certificates: Uint8Array[] = [];
  while (!list.isAtEnd) certificates.push(list.vector(3));
  return certificates;
}
