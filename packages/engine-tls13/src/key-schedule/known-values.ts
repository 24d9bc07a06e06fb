import type { HashName } from '../crypto/cipher-suite.ts';

const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Hash(""), which Derive-Secret asks for again and again (RFC 8446 §7.1): FIPS 180-4's values. Nobody writes to them. */
export const emptyHash: Readonly<Record<HashName, Uint8Array>> = Object.freeze({
  sha256: fromHex('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
  sha384: fromHex('38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b'),
});

/**
 * Derive-Secret(Early Secret, "derived", "") where there is no PSK (RFC 8446 §7.1): nothing secret goes into it, so it is the same
 * in every handshake (RFC 8448 §3 shows it for SHA-256). Nobody writes to them.
 */
export const derivedWithoutPsk: Readonly<Record<HashName, Uint8Array>> = Object.freeze({
  sha256: fromHex('6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba'),
  sha384: fromHex('1591dac5cbbf0330a4a84de9c753330e92d01f0a88214b4464972fd668049e93e52f2b16fad922fdc0584478428f282b'),
});
