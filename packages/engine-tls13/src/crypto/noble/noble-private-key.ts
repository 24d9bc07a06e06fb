import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { concatBytes, equalBytes, hexToBytes } from '@noble/curves/utils.js';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { PrivateKey } from '../crypto-provider.ts';
import { nobleDigest } from './noble-hash.ts';
import { privateKeyDer } from './private-key-der.ts';
import { readPkcs8 } from './read-pkcs8.ts';
import { signatureParameters } from '../signature-parameters.ts';

/** SubjectPublicKeyInfo up to the key itself (RFC 5480 §2, RFC 8410 §4). */
const infoPrefix = {
  p256: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  p384: '3076301006072a8648ce3d020106052b81040022036200',
  ed25519: '302a300506032b6570032100',
} as const;

/**
 * A private key of P-256, P-384 or Ed25519, unencrypted PKCS #8 in DER or PEM. ECDSA's nonces are RFC 6979's: the same message
 * has the same signature. @throws ApiMisuseError when it cannot be read or is RSA; nothing of the key is in the message.
 */
export function noblePrivateKey(key: unknown, passphrase?: string): PrivateKey {
  if (passphrase !== undefined)
    throw new ApiMisuseError('an encrypted private key is not read here: decrypt it with `openssl pkey`');
  const { type, secret: read, point } = readPkcs8(privateKeyDer(key));
  const secret = Uint8Array.from(read);
  const curve = type === 'p256' ? p256 : p384;
  const publicKey = publicHalf(() =>
    type === 'ed25519' ? ed25519.getPublicKey(secret) : curve.getPublicKey(secret, false),
  );
  if (point?.[0] === 4 && !equalBytes(point, publicKey))
    throw new ApiMisuseError('the private key holds a public key that is not its own');
  return {
    type,
    publicKeyInfo: concatBytes(hexToBytes(infoPrefix[type]), publicKey),
    sign(algorithm, message) {
      const parameters = signatureParameters(type, algorithm);
      if (parameters?.kind === 'ed25519') return ed25519.sign(message, secret);
      if (parameters === undefined) throw new ApiMisuseError(`this ${type} key does not sign with ${algorithm}`);
      return curve.sign(nobleDigest(parameters.hash, message), secret, { prehash: false, format: 'der' });
    },
  };
}

function publicHalf(derive: () => Uint8Array): Uint8Array {
  try {
    return derive();
  } catch {
    // The library's message is not repeated: it may quote the number
    throw new ApiMisuseError('the private key is not in the range of its curve');
  }
}
