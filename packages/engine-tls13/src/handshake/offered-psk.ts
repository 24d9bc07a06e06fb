import type { HashName } from '../crypto/cipher-suite.ts';

/** A pre-shared key that our ClientHello offers (RFC 8446 §4.2.11). */
export interface OfferedPsk {
  readonly kind: 'resumption' | 'external';
  readonly identity: Uint8Array;
  readonly obfuscatedTicketAge: number;
  readonly hash: HashName;
  readonly key: Uint8Array;
}
