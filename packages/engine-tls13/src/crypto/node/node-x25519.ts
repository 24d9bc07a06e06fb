import { createPrivateKey, createPublicKey, diffieHellman as agreeOn, type KeyObject } from 'node:crypto';
import { ApiMisuseError } from '@rxtls/core/engine';
import { drawBytes } from '../draw-bytes.ts';
import { diffieHellman, type GroupImplementation } from '../group-implementation.ts';

const keyBytes = 32;

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');

const publicKeyOf = (point: Uint8Array): KeyObject =>
  createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: base64url(point) }, format: 'jwk' });

/** RFC 7748 §6.1: X25519(privateKey, point). @throws what OpenSSL throws for an all-zero result. */
const multiply = (privateKey: KeyObject, publicKey: KeyObject): Uint8Array =>
  new Uint8Array(agreeOn({ privateKey, publicKey }));

/**
 * X25519 (RFC 7748) of `node:crypto`. Keys come in as JWK, about ten times quicker than as DER; `x` of a private one has to be there, and is
 * not looked at. None goes out: the public half is the multiple of the base point, which Node 20 takes half the time of an export for.
 * Wiping drops the key; OpenSSL clears it when it is collected.
 */
export function nodeX25519(): GroupImplementation {
  let basePoint: KeyObject | undefined;
  return diffieHellman('x25519', (random) => {
    basePoint ??= publicKeyOf(new Uint8Array(keyBytes).fill(9, 0, 1));
    const drawn = drawBytes(random, keyBytes, 'KeyShare.x25519');
    const jwk = { kty: 'OKP', crv: 'X25519', d: base64url(drawn), x: 'AA' };
    drawn.fill(0);
    let privateKey: KeyObject | undefined = createPrivateKey({ key: jwk, format: 'jwk' });
    return {
      group: 'x25519',
      publicKey: multiply(privateKey, basePoint),
      agree(peer) {
        if (privateKey === undefined) throw new ApiMisuseError('this key share was wiped');
        if (peer.length !== keyBytes) return undefined;
        try {
          return multiply(privateKey, publicKeyOf(peer));
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
}
