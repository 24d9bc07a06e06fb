import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import type { PublicKey, SubjectPublicKey } from '../crypto-provider.ts';
import { isUncompressed } from '../draw-scalar.ts';
import { nobleDigest } from './noble-hash.ts';
import { mayUsePss } from './pss-restriction.ts';
import { verifyPkcs1 } from './rsa-pkcs1.ts';
import { verifyPss } from './rsa-pss.ts';
import { type SignatureParameters, signatureParameters } from '../signature-parameters.ts';

/** A certificate's key; the curves are @noble/curves', the public RSA operation is ours. */
export const noblePublicKey = (subject: SubjectPublicKey): PublicKey => ({
  type: subject.type,
  verify(algorithm, message, signature) {
    const parameters = signatureParameters(subject.type, algorithm);
    try {
      return parameters !== undefined && isSignature(subject, parameters, message, signature);
    } catch {
      return false;
    }
  },
});

function isSignature(
  subject: SubjectPublicKey,
  parameters: SignatureParameters,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (parameters.kind === 'ed25519')
    // RFC 8032 §5.1.7 as OpenSSL reads it, without ZIP 215's leniency for encodings
    return 'raw' in subject && ed25519.verify(signature, message, subject.raw, { zip215: false });
  if ('raw' in subject) return false;
  const { kind, hash } = parameters;
  if ('point' in subject) {
    const [curve, group] = subject.type === 'p256' ? ([p256, 'secp256r1'] as const) : ([p384, 'secp384r1'] as const);
    // Half of all signatures have the larger s; only currencies forbid it
    const options = { prehash: false, lowS: false, format: 'der' } as const;
    return (
      isUncompressed(subject.point, group) &&
      curve.verify(signature, nobleDigest(hash, message), subject.point, options)
    );
  }
  if (kind === 'pkcs1') return verifyPkcs1(subject, hash, message, signature);
  if (subject.type === 'rsa-pss' && !mayUsePss(subject.der, hash)) return false;
  return verifyPss(subject, hash, message, signature);
}
