import { ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { ApiMisuseError } from '@rxtls/core/engine';
import { drawBytes } from '../draw-bytes.ts';
import type { PostQuantum } from '../group-implementation.ts';

/** FIPS 203, table 3: bytes of the encapsulation key and of the ciphertext; both are followed by an X25519 share. */
const keyBytes = 1184;
const ciphertextBytes = 1088;
const x25519Bytes = 32;

/**
 * X25519MLKEM768 (draft-ietf-tls-ecdhe-mlkem §4): ML-KEM first, X25519 second, in the shares and in the secret.
 * The library of ML-KEM is not independently audited, which is why a provider has it only when it is given.
 */
export const x25519MLKEM768: PostQuantum = (x25519) => ({
  name: 'X25519MLKEM768',
  keyShare(random) {
    const seed = drawBytes(random, 64, 'KeyShare.X25519MLKEM768');
    const { publicKey, secretKey } = ml_kem768.keygen(seed);
    seed.fill(0);
    const classical = x25519.keyShare(random);
    let isWiped = false;
    return {
      group: 'X25519MLKEM768',
      publicKey: join(publicKey, classical.publicKey),
      agree(peer) {
        if (isWiped) throw new ApiMisuseError('this key share was wiped');
        if (peer.length !== ciphertextBytes + x25519Bytes) return undefined;
        const second = classical.agree(peer.subarray(ciphertextBytes));
        if (second === undefined) return undefined;
        return joinSecrets(ml_kem768.decapsulate(peer.slice(0, ciphertextBytes), secretKey), second);
      },
      wipe() {
        isWiped = true;
        secretKey.fill(0);
        classical.wipe();
      },
    };
  },
  keyAgreement(peer, random) {
    if (peer.length !== keyBytes + x25519Bytes) return undefined;
    const message = drawBytes(random, 32, 'KeyShare.X25519MLKEM768');
    const first = encapsulate(peer.slice(0, keyBytes), message);
    message.fill(0);
    if (first === undefined) return undefined;
    const second = x25519.keyAgreement(peer.subarray(keyBytes), random);
    if (second === undefined) return undefined;
    return {
      publicKey: join(first.cipherText, second.publicKey),
      secret: joinSecrets(first.sharedSecret, second.secret),
    };
  },
});

/** FIPS 203 §7.2, "Modulus check": the library refuses a key with a coefficient that is not below q by throwing. */
function encapsulate(key: Uint8Array, message: Uint8Array): ReturnType<typeof ml_kem768.encapsulate> | undefined {
  try {
    return ml_kem768.encapsulate(key, message);
  } catch {
    return undefined;
  }
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}

function joinSecrets(first: Uint8Array, second: Uint8Array): Uint8Array {
  const secret = join(first, second);
  first.fill(0);
  second.fill(0);
  return secret;
}
