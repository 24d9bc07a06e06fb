import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { PublicKey, SubjectPublicKey } from '../crypto-provider.ts';
import { isUncompressed } from '../draw-scalar.ts';
import { isUsableRsa } from '../is-usable-rsa.ts';
import { signatureParameters } from '../signature-parameters.ts';
import { nodeKeyType } from './node-key-type.ts';
import { nodeSignatureInput } from './node-signature-input.ts';

/** A certificate's key for `crypto.verify`. */
export function nodePublicKey(subject: SubjectPublicKey): PublicKey {
  const key = importKey(subject);
  return {
    type: subject.type,
    verify(algorithm, message, signature) {
      const parameters = signatureParameters(subject.type, algorithm);
      if (key === undefined || parameters === undefined) return false;
      try {
        const input = nodeSignatureInput(key, parameters);
        return input !== undefined && verify(input.hash, message, { key, ...input.options }, signature);
      } catch {
        return false;
      }
    },
  };
}

function importKey(subject: SubjectPublicKey): KeyObject | undefined {
  try {
    const key = isUsable(subject) ? readKey(subject) : undefined;
    return key !== undefined && nodeKeyType(key) === subject.type ? key : undefined;
  } catch {
    return undefined;
  }
}

function isUsable(subject: SubjectPublicKey): boolean {
  if ('point' in subject) return isUncompressed(subject.point, subject.type === 'p256' ? 'secp256r1' : 'secp384r1');
  return 'raw' in subject ? subject.raw.length === 32 : isUsableRsa(subject.modulus, subject.exponent);
}

/** JWK where it is quicker (RSA 30, Ed25519 10 and P-256 2 times); for P-384 DER is, and JWK cannot say the parameters of RSA-PSS. */
function readKey(subject: SubjectPublicKey): KeyObject {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  if (subject.type === 'rsa')
    return createPublicKey({
      key: { kty: 'RSA', n: text(subject.modulus), e: text(subject.exponent) },
      format: 'jwk',
    });
  if (subject.type === 'ed25519')
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: text(subject.raw) }, format: 'jwk' });
  if (subject.type === 'p256') {
    const [x, y] = [text(subject.point.subarray(1, 33)), text(subject.point.subarray(33))];
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  }
  return createPublicKey({ key: Buffer.from(subject.der), format: 'der', type: 'spki' });
}
