import { bytesToNumberBE, numberToBytesBE } from '@noble/curves/utils.js';
import { isUsableRsa } from '../is-usable-rsa.ts';

/** Big-endian, without leading zeros. */
export interface RsaPublicKey {
  readonly modulus: Uint8Array;
  readonly exponent: Uint8Array;
}

/**
 * The encoded message of a signature, as long as the modulus (RFC 8017 §5.2.2 RSAVP1 and §4.1 I2OSP); undefined when there is none.
 * Everything in it is public, so its time may depend on all of it; `isUsableRsa` bounds the work.
 */
export function rsaPublicOperation(key: RsaPublicKey, signature: Uint8Array): Uint8Array | undefined {
  if (!isUsableRsa(key.modulus, key.exponent)) return undefined;
  // RFC 8017 §8.2.2: "If the length of the signature S is not k octets, output 'invalid signature' and stop."
  if (signature.length !== key.modulus.length) return undefined;
  const modulus = bytesToNumberBE(key.modulus);
  const representative = bytesToNumberBE(signature);
  // RFC 8017 §5.2.2: "If the signature representative s is not between 0 and n - 1, output 'signature representative out of range' and stop."
  if (representative >= modulus) return undefined;
  let power = 1n;
  for (const bit of bytesToNumberBE(key.exponent).toString(2)) {
    power = (power * power) % modulus;
    if (bit === '1') power = (power * representative) % modulus;
  }
  return numberToBytesBE(power, key.modulus.length);
}
