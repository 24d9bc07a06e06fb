import { EngineFailureError } from '@rxtls/core/engine';
import type { RandomBytes } from './crypto-provider.ts';
import { drawBytes } from './draw-bytes.ts';

/** The curves of RFC 8446 §4.2.8.2: bytes of a field element, and the order of the group (SEC 2 §2.4.2, §2.5.1). */
const curveOf = {
  secp256r1: { bytes: 32, order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n },
  secp384r1: {
    bytes: 48,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
} as const;

export type NistGroupName = keyof typeof curveOf;

/** A draw is refused once in 2^32 at most: so many in a row are a random function that is none. */
const maxDraws = 64;

/**
 * A private scalar in [1, n-1] by rejection (FIPS 186-5 §A.2.2), so that no value is likelier than another.
 * @throws EngineFailureError when the random function gives nothing usable.
 */
export function drawScalar(random: RandomBytes, group: NistGroupName): Uint8Array {
  const { bytes, order } = curveOf[group];
  for (let draw = 0; draw < maxDraws; draw += 1) {
    const scalar = drawBytes(random, bytes, `KeyShare.${group}`);
    let value = 0n;
    for (const byte of scalar) value = (value << 8n) | BigInt(byte);
    if (value > 0n && value < order) return scalar;
  }
  throw new EngineFailureError(`${maxDraws} draws of random bytes for ${group}, none of them a private key`);
}

/** RFC 8446 §4.2.8.2: "struct { uint8 legacy_form = 4; …", and both coordinates in full. */
export const isUncompressed = (point: Uint8Array, group: NistGroupName): boolean =>
  point.length === 1 + 2 * curveOf[group].bytes && point[0] === 4;
