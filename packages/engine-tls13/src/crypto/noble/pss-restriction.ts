import { DerReader, derTag } from '../../certificate/der-reader.ts';
import { objectId } from '../../certificate/object-id.ts';
import { algorithmIdentifier, pssParameters } from '../../certificate/signature-algorithm.ts';
import { type SignatureHash, signatureHashBytes } from '../signature-parameters.ts';

/**
 * Whether a key of id-RSASSA-PSS may be used with that hash, MGF1 of it and a salt of its length. RFC 4055 §3.3: without parameters everything
 * goes; with them hash and MGF must be theirs and the salt at least as long.
 * @throws CertificateError when it cannot be read
 */
export function mayUsePss(subjectPublicKeyInfo: Uint8Array, hash: SignatureHash): boolean {
  const info = new DerReader(subjectPublicKeyInfo, 'subjectPublicKeyInfo').inside(derTag.sequence, 'info');
  const { id, parameters } = algorithmIdentifier(info.inside(derTag.sequence, 'algorithm'));
  if (id !== objectId.rsassaPss) return false;
  if (parameters === undefined) return true;
  const own = pssParameters(parameters);
  return own?.hash === hash && own.saltLength <= signatureHashBytes[hash];
}
