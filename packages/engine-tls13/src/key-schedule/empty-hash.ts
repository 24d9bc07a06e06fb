import type { HashName } from '../crypto/cipher-suite.ts';

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Hash(""), which Derive-Secret asks for again and again (RFC 8446 §7.1): FIPS 180-4's values. Nobody writes to them. */
export const emptyHash: Readonly<Record<HashName, Uint8Array>> = Object.freeze({
  sha256: fromHex('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
  sha384: fromHex('38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b'),
});
