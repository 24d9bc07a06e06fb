import { createECDH, type ECDH } from 'node:crypto';
import { ApiMisuseError } from '@rxtls/core/engine';
import { drawScalar, isUncompressed, type NistGroupName } from '../draw-scalar.ts';
import { diffieHellman, type GroupImplementation } from '../group-implementation.ts';

const curveName: Readonly<Record<NistGroupName, string>> = { secp256r1: 'prime256v1', secp384r1: 'secp384r1' };

/** ECDH over a NIST curve by `node:crypto`. Wiping drops the key; OpenSSL clears it when it is collected. */
export const nodeEcdh = (group: NistGroupName): GroupImplementation =>
  diffieHellman(group, (random) => {
    const scalar = drawScalar(random, group);
    let ecdh: ECDH | undefined = createECDH(curveName[group]);
    ecdh.setPrivateKey(scalar);
    scalar.fill(0);
    return {
      group,
      publicKey: Uint8Array.from(ecdh.getPublicKey()),
      agree(peer) {
        if (ecdh === undefined) throw new ApiMisuseError('this key share was wiped');
        if (!isUncompressed(peer, group)) return undefined;
        try {
          return Uint8Array.from(ecdh.computeSecret(peer));
        } catch {
          // RFC 8446 §4.2.8.2: "Peers MUST validate each other's public key Q by ensuring that the point is a valid point on the elliptic curve": OpenSSL does
          return undefined;
        }
      },
      wipe() {
        ecdh = undefined;
      },
    };
  });
