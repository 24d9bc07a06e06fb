import { concatBytes, equalBytes } from '@noble/curves/utils.js';
import { bitLength } from '../is-usable-rsa.ts';
import { nobleDigest } from './noble-hash.ts';
import { type RsaPublicKey, rsaPublicOperation } from './rsa-public-operation.ts';
import { type SignatureHash, signatureHashBytes } from '../signature-parameters.ts';

/** RSASSA-PSS (RFC 8017 §8.1.2) with MGF1 of the same hash and a salt of its length (RFC 8446 §4.2.3). */
export function verifyPss(key: RsaPublicKey, hash: SignatureHash, message: Uint8Array, signature: Uint8Array): boolean {
  const whole = rsaPublicOperation(key, signature);
  if (whole === undefined) return false;
  const bits = bitLength(key.modulus) - 1;
  const bytes = Math.ceil(bits / 8);
  // RFC 8017 §8.1.2: "emLen will be one less than k if modBits - 1 is divisible by 8": I2OSP fails for a larger number
  if (bytes < whole.length && whole[0] !== 0) return false;
  return isEncoding(whole.subarray(whole.length - bytes), bits, hash, nobleDigest(hash, message));
}

/** EMSA-PSS-VERIFY (RFC 8017 §9.1.2); the numbers are its steps. */
function isEncoding(encoded: Uint8Array, bits: number, hash: SignatureHash, digest: Uint8Array): boolean {
  const hashBytes = signatureHashBytes[hash];
  const saltBytes = hashBytes;
  const blockBytes = encoded.length - hashBytes - 1;
  const zeroBytes = blockBytes - saltBytes - 1;
  // 3. "If emLen < hLen + sLen + 2, output 'inconsistent' and stop." 4. "If the rightmost octet of EM does not have hexadecimal value 0xbc"
  if (zeroBytes < 0 || encoded.at(-1) !== 0xbc) return false;
  const masked = encoded.subarray(0, blockBytes);
  const expected = encoded.subarray(blockBytes, -1);
  // 6. "If the leftmost 8emLen - emBits bits of the leftmost octet in maskedDB are not all equal to zero"
  const firstMask = 0xff >> (8 * encoded.length - bits);
  if ((masked[0]! & ~firstMask) !== 0) return false;
  // 7. to 9.
  const block = mgf1(expected, blockBytes, hash);
  for (let at = 0; at < blockBytes; at += 1) block[at]! ^= masked[at]!;
  block[0]! &= firstMask;
  // 10. "If the emLen - hLen - sLen - 2 leftmost octets of DB are not zero or if the octet at position emLen - hLen - sLen - 1 does not have hexadecimal value 0x01"
  if (block.subarray(0, zeroBytes).some((byte) => byte !== 0) || block[zeroBytes] !== 1) return false;
  // 11. to 14.
  const salt = block.subarray(zeroBytes + 1);
  return equalBytes(expected, nobleDigest(hash, concatBytes(new Uint8Array(8), digest, salt)));
}

/** RFC 8017 §B.2.1. */
function mgf1(seed: Uint8Array, length: number, hash: SignatureHash): Uint8Array {
  const mask = new Uint8Array(length);
  const input = concatBytes(seed, new Uint8Array(4));
  const counter = new DataView(input.buffer, seed.length);
  for (let at = 0, block = 0; at < length; at += signatureHashBytes[hash], block += 1) {
    counter.setUint32(0, block);
    mask.set(nobleDigest(hash, input).subarray(0, length - at), at);
  }
  return mask;
}
