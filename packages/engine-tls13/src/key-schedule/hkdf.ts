import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { type HashName, hashBytes } from '../crypto/cipher-suite.ts';

const none = new Uint8Array(0);

/** HKDF-Extract (RFC 5869 §2.2). */
export const hkdfExtract = (crypto: CryptoProvider, hash: HashName, salt: Uint8Array, secret: Uint8Array): Uint8Array =>
  crypto.hmac(hash, salt, secret);

/**
 * HKDF-Expand-Label (RFC 8446 §7.1): `length` bytes, at most 255 times the hash's. `label` without its "tls13 ".
 */
export function hkdfExpandLabel(
  crypto: CryptoProvider,
  hash: HashName,
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Uint8Array {
  const info = hkdfLabel(label, context, length);
  if (length <= hashBytes[hash]) {
    info[info.length - 1] = 1;
    const block = crypto.hmac(hash, secret, info);
    if (length === block.length) return block;
    const part = block.slice(0, length);
    // It begins with the key.
    block.fill(0);
    return part;
  }
  const out = new Uint8Array(length);
  let block: Uint8Array = none;
  for (let at = 0, round = 1; at < length; at += block.length, round++) {
    info[info.length - 1] = round;
    const next = crypto.hmac(hash, secret, block, info);
    block.fill(0);
    block = next;
    out.set(block.subarray(0, length - at), at);
  }
  block.fill(0);
  return out;
}

/** struct HkdfLabel, with room for the counter of HKDF-Expand behind it. */
function hkdfLabel(label: string, context: Uint8Array, length: number): Uint8Array {
  const name = `tls13 ${label}`;
  const info = new Uint8Array(2 + 1 + name.length + 1 + context.length + 1);
  info[0] = length >> 8;
  info[1] = length;
  info[2] = name.length;
  for (let at = 0; at < name.length; at++) info[3 + at] = name.charCodeAt(at);
  info[3 + name.length] = context.length;
  info.set(context, 4 + name.length);
  return info;
}
