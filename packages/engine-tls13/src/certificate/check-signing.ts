import type { KeyType, SignatureAlgorithm } from '../crypto/signature-scheme.ts';
import { signatureSchemes } from '../crypto/signature-scheme.ts';
import { certificateRefused } from './certificate-refused.ts';
import { checkKey } from './check-key.ts';
import type { ChainRules } from './judge-chain.ts';
import type { Certificate } from './parse-certificate.ts';

const keysFor = (algorithm: SignatureAlgorithm): readonly KeyType[] => {
  if (algorithm === 'ed25519') return ['ed25519'];
  if (algorithm.startsWith('ecdsa-')) return ['p256', 'p384'];
  return algorithm.startsWith('rsa-pss-') ? ['rsa', 'rsa-pss'] : ['rsa'];
};

/** Whether a signature of that kind on `subject`, by that issuer's key, is one that is accepted; it is not verified here. @throws CertificateError */
export function checkSigning(issuer: Certificate, subject: Certificate, rules: ChainRules): void {
  const { signatureAlgorithm: algorithm } = subject;
  // RFC 8446 §4.4.2.4: MD5 is refused always, and SHA-1 here too; both are among what is not spoken.
  if (algorithm === undefined) throw refuse('with an algorithm that is not accepted');
  const key = checkKey(issuer, rules.limits);
  // RFC 4055 §3.3: what the key's own parameters say, the signature must keep to.
  const isForKey = keysFor(algorithm).includes(key.type) && (issuer.onlyAlgorithm ?? algorithm) === algorithm;
  if (!isForKey) throw refuse("with an algorithm that its issuer's key is not for");
  const { allowedSchemes } = rules;
  // RFC 8446 §4.4.2.2: certificates "MUST be signed using a signature algorithm advertised by the client".
  const isAllowed =
    allowedSchemes === undefined ||
    signatureSchemes.some(
      (each) => each.algorithm === algorithm && each.key === key.type && allowedSchemes.includes(each.name),
    );
  if (!isAllowed) throw refuse('with an algorithm that was not offered');
}

const refuse = (how: string): Error =>
  certificateRefused('bad-certificate', `a certificate of the peer is signed ${how}`);
