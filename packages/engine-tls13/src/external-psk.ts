import type { HashName } from './crypto/cipher-suite.ts';

/** A key that both sides have from elsewhere (RFC 8446 §2.2, §4.2.11). It proves both; certificates are then not asked for. */
export interface ExternalPsk {
  /** 1 to 65 535 bytes, sent in the clear. */
  readonly identity: Uint8Array;
  /** At least 16 random bytes; a password is no key (RFC 9257 §6). */
  readonly key: Uint8Array;
  /** Default `sha256`. */
  readonly hash?: HashName;
}
