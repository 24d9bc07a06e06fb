import { x25519 } from '@noble/curves/ed25519.js';
import { ApiMisuseError } from '@rxtls/core/engine';
import { drawBytes } from '../draw-bytes.ts';
import { diffieHellman, type GroupImplementation } from '../group-implementation.ts';

const keyBytes = 32;

/** X25519 (RFC 7748) of @noble/curves. */
export const nobleX25519: GroupImplementation = diffieHellman('x25519', (random) => {
  const secret = drawBytes(random, keyBytes, 'KeyShare.x25519');
  let isWiped = false;
  return {
    group: 'x25519',
    publicKey: x25519.getPublicKey(secret),
    agree(peer) {
      if (isWiped) throw new ApiMisuseError('this key share was wiped');
      if (peer.length !== keyBytes) return undefined;
      try {
        return x25519.getSharedSecret(secret, peer);
      } catch {
        // RFC 8446 §7.4.2: "implementations MUST check whether the computed Diffie-Hellman shared secret is the all-zero value and abort if so": the library does
        return undefined;
      }
    },
    wipe() {
      isWiped = true;
      secret.fill(0);
    },
  };
});
