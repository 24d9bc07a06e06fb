import { equalBytes, hexToBytes } from '@noble/curves/utils.js';
import { nobleDigest } from './noble-hash.ts';
import { type RsaPublicKey, rsaPublicOperation } from './rsa-public-operation.ts';
import type { SignatureHash } from '../signature-parameters.ts';

/** DigestInfo up to the hash (RFC 8017 §9.2, note 1). */
const digestInfo: Readonly<Record<SignatureHash, string>> = {
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

/**
 * RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2). The message is encoded again and compared whole: nothing of what the signature holds is parsed,
 * so that there is no parser to be lenient.
 */
export function verifyPkcs1(
  key: RsaPublicKey,
  hash: SignatureHash,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const found = rsaPublicOperation(key, signature);
  const prefix = hexToBytes(digestInfo[hash]);
  const digest = nobleDigest(hash, message);
  const paddingBytes = key.modulus.length - 3 - prefix.length - digest.length;
  // RFC 8017 §9.2: "If emLen < tLen + 11, output 'intended encoded message length too short' and stop."
  if (found === undefined || paddingBytes < 8) return false;
  const expected = new Uint8Array(key.modulus.length).fill(0xff, 2, 2 + paddingBytes);
  expected[1] = 1;
  expected.set(prefix, 3 + paddingBytes);
  expected.set(digest, 3 + paddingBytes + prefix.length);
  return equalBytes(found, expected);
}
