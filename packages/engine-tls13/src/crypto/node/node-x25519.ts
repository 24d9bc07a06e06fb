import { createPrivateKey, createPublicKey, diffieHellman as agreeOn, type KeyObject } from 'node:crypto';
import { ApiMisuseError } from '@rxtls/core/engine';
import { drawBytes } from '../noble/draw-bytes.ts';
import { diffieHellman, type GroupImplementation } from '../noble/group-implementation.ts';

const keyBytes = 32;

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');

/**
 * X25519 (RFC 7748) of `node:crypto`. Keys come in as JWK, about ten times quicker than as DER, and go out as DER: the export as JWK
 * hung now and then on Node 20. `x` has to be there, and is not looked at. Wiping drops the key; OpenSSL clears it when it is collected.
 */
export const nodeX25519: GroupImplementation = diffieHellman('x25519', (random) => {
  const drawn = drawBytes(random, keyBytes, 'KeyShare.x25519');
  const jwk = { kty: 'OKP', crv: 'X25519', d: base64url(drawn), x: 'AA' };
  drawn.fill(0);
  let privateKey: KeyObject | undefined = createPrivateKey({ key: jwk, format: 'jwk' });
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    group: 'x25519',
    publicKey: Uint8Array.from(der.subarray(-keyBytes)),
    agree(peer) {
      if (privateKey === undefined) throw new ApiMisuseError('this key share was wiped');
      if (peer.length !== keyBytes) return undefined;
      const jwk = { kty: 'OKP', crv: 'X25519', x: base64url(peer) };
      try {
        return Uint8Array.from(agreeOn({ privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) }));
      } catch {
        // RFC 8446 §7.4.2: "implementations MUST check whether the computed Diffie-Hellman shared secret is the all-zero value and abort if so": OpenSSL does
        return undefined;
      }
    },
    wipe() {
      privateKey = undefined;
    },
  };
});
