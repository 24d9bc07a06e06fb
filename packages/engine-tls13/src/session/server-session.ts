import type { HashName } from '../crypto/cipher-suite.ts';
import { Reader } from '../presentation/reader.ts';
import { Writer } from '../presentation/writer.ts';

/** What a ticket holds: all that a server must know to resume, so that it keeps nothing itself. */
export interface ServerSession {
  /** Of the cipher suite; the suite itself may be another one when it is resumed. */
  readonly hash: HashName;
  /** What the session is bound to: client authentication, trust, virtual host, protocols, name. */
  readonly scope: Uint8Array;
  readonly psk: Uint8Array;
  /** Milliseconds since 1970 of the full handshake in which the chain was verified. */
  readonly firstVerifiedAt: number;
  /** The client's chain, the leaf first; empty where it showed none. */
  readonly chain: readonly Uint8Array[];
}

/** Of what is written below: one of another build of this engine is a full handshake. */
const version = 2;
const hashes: readonly HashName[] = ['sha256', 'sha384'];

export function encodeServerSession(session: ServerSession): Uint8Array {
  const writer = new Writer();
  writer.uint8(version);
  writer.uint8(hashes.indexOf(session.hash));
  writer.vector(1, (to) => to.bytes(session.scope));
  writer.vector(1, (to) => to.bytes(session.psk));
  writer.uint32(Math.floor(session.firstVerifiedAt / 0x1_0000_0000));
  // A host's clock may have fractions.
  writer.uint32(Math.floor(session.firstVerifiedAt) % 0x1_0000_0000);
  writer.vector(3, (to) => {
    for (const certificate of session.chain) to.vector(3, (entry) => entry.bytes(certificate));
  });
  return writer.finish();
}

/** Reads what {@link encodeServerSession} has written, into arrays of its own; undefined for another version. */
export function decodeServerSession(bytes: Uint8Array): ServerSession | undefined {
  const reader = new Reader(bytes, 'ticket');
  if (reader.uint8('version') !== version) return undefined;
  const hash = hashes[reader.uint8('hash')];
  const scope = reader.vector(1, 0, 255, 'scope');
  const secret = reader.vector(1, 0, 255, 'psk');
  const firstVerifiedAt = reader.uint32('high') * 0x1_0000_0000 + reader.uint32('low');
  const list = reader.inside(3, 0, 0xff_ffff, 'chain');
  reader.end();
  const chain: Uint8Array[] = [];
  while (!list.isAtEnd) chain.push(new Uint8Array(list.vector(3, 1, 0xff_ffff, 'certificate')));
  return hash && { hash, scope: new Uint8Array(scope), psk: new Uint8Array(secret), firstVerifiedAt, chain };
}
