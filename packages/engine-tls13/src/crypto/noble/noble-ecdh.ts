import { p256, p384 } from '@noble/curves/nist.js';
import { ApiMisuseError } from '@rxtls/core/engine';
import { drawScalar, isUncompressed, type NistGroupName } from '../draw-scalar.ts';
import { diffieHellman, type GroupImplementation } from '../group-implementation.ts';

/** ECDH over a NIST curve by @noble/curves. */
export const nobleEcdh = (group: NistGroupName): GroupImplementation =>
  diffieHellman(group, (random) => {
    const curve = group === 'secp256r1' ? p256 : p384;
    const secret = drawScalar(random, group);
    let isWiped = false;
    return {
      group,
      publicKey: curve.getPublicKey(secret, false),
      agree(peer) {
        if (isWiped) throw new ApiMisuseError('this key share was wiped');
        if (!isUncompressed(peer, group)) return undefined;
        try {
          // RFC 8446 §7.4.2: the secret is the x coordinate, here behind the sign byte of a compressed point
          return curve.getSharedSecret(secret, peer, true).slice(1);
        } catch {
          // RFC 8446 §4.2.8.2: "Peers MUST validate each other's public key Q by ensuring that the point is a valid point on the elliptic curve": the library does
          return undefined;
        }
      },
      wipe() {
        isWiped = true;
        secret.fill(0);
      },
    };
  });
