/** Beyond it a verification costs the peer nothing and us tens of milliseconds. */
const maxModulusBits = 8192;

/** Bits of a big-endian number. */
export function bitLength(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (bytes.length - first) * 8 - (Math.clz32(bytes[first]!) - 24);
}

/**
 * A public key whose operation is bounded and means something: an odd modulus of at most 8192 bits, an odd exponent from 3 to 2^64.
 * What is too weak is the certificate policy's matter.
 */
export function isUsableRsa(modulus: Uint8Array, exponent: Uint8Array): boolean {
  const isOdd = (bytes: Uint8Array): boolean => (bytes.at(-1) ?? 0) % 2 === 1;
  return (
    modulus[0] !== 0 &&
    bitLength(modulus) <= maxModulusBits &&
    isOdd(modulus) &&
    bitLength(exponent) >= 2 &&
    bitLength(exponent) <= 64 &&
    isOdd(exponent)
  );
}
