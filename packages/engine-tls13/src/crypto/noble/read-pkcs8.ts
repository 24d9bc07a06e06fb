import { ApiMisuseError } from '@rxtls/core/engine';
import { DerReader, derTag } from '../../certificate/der-reader.ts';
import { objectId } from '../../certificate/object-id.ts';
import { algorithmIdentifier } from '../../certificate/signature-algorithm.ts';
import type { KeyType } from '../signature-scheme.ts';

/** A private key that can sign without RSA. */
export interface Pkcs8Key {
  readonly type: Exclude<KeyType, 'rsa' | 'rsa-pss'>;
  /** The scalar, or the seed of Ed25519; the memory of what was read. */
  readonly secret: Uint8Array;
  /** SEC1 point that came along, for comparison. */
  readonly point: Uint8Array | undefined;
}

/**
 * Takes PKCS #8 (RFC 5958 §2) of P-256, P-384 or Ed25519 apart.
 * @throws ApiMisuseError for everything else; the message holds nothing of the key.
 */
export function readPkcs8(der: Uint8Array): Pkcs8Key {
  try {
    return privateKeyInfo(der);
  } catch (error) {
    if (error instanceof ApiMisuseError) throw error;
    // What the reader of certificates says is of a certificate
    throw new ApiMisuseError('the private key is no PKCS #8 DER: convert it with `openssl pkcs8 -topk8 -nocrypt`');
  }
}

/** @throws CertificateError for what is no DER, or not of that form */
function privateKeyInfo(der: Uint8Array): Pkcs8Key {
  const all = new DerReader(der, 'PKCS #8');
  const info = all.inside(derTag.sequence, 'PrivateKeyInfo');
  all.end();
  info.small('version');
  const { id, parameters } = algorithmIdentifier(info.inside(derTag.sequence, 'privateKeyAlgorithm'));
  const contents = info.inside(derTag.octetString, 'privateKey');
  info.optional(0xa0, 'attributes');
  info.optional(0x81, 'publicKey');
  info.end();
  if (id === objectId.rsaEncryption || id === objectId.rsassaPss)
    throw new ApiMisuseError('RSA does not sign here: give a signature task (with WebCrypto, say), or a key of P-256');
  if (id === objectId.ed25519) return edKey(contents);
  const curve = parameters?.nextTag === derTag.objectId ? parameters.objectId('namedCurve') : undefined;
  if (id === objectId.ecPublicKey && curve === objectId.prime256v1) return ecKey('p256', 32, contents, curve);
  if (id === objectId.ecPublicKey && curve === objectId.secp384r1) return ecKey('p384', 48, contents, curve);
  throw new ApiMisuseError('a private key of this algorithm does not sign here: use P-256, P-384 or Ed25519');
}

/** RFC 8410 §7: CurvePrivateKey, an OCTET STRING in the OCTET STRING. */
function edKey(contents: DerReader): Pkcs8Key {
  const secret = contents.content(derTag.octetString, 'CurvePrivateKey');
  contents.end();
  if (secret.length !== 32) throw contents.malformed('is of another length');
  return { type: 'ed25519', secret, point: undefined };
}

/** RFC 5915 §3: ECPrivateKey, whose privateKey has the length of the order, with leading zeros. */
function ecKey(type: 'p256' | 'p384', bytes: number, contents: DerReader, curve: string): Pkcs8Key {
  const key = contents.inside(derTag.sequence, 'ECPrivateKey');
  contents.end();
  const version = key.small('version');
  const secret = key.content(derTag.octetString, 'privateKey');
  const named = key.optional(0xa0, 'parameters');
  const point = key.optional(0xa1, 'publicKey');
  key.end();
  const isOwnCurve = named === undefined || key.nested(named, 'parameters').objectId('namedCurve') === curve;
  if (version !== 1 || secret.length !== bytes || !isOwnCurve) throw key.malformed('is of another curve');
  return { type, secret, point: point && key.nested(point, 'publicKey').bitStringBytes('point') };
}
