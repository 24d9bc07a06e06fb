import { bytesToHex } from '@noble/curves/utils.js';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { KeyType } from '../signature-scheme.ts';
import { type DerElement, derElements, derInside, derTag } from './der-elements.ts';

/** A private key that can sign without RSA. */
export interface Pkcs8Key {
  readonly type: Exclude<KeyType, 'rsa' | 'rsa-pss'>;
  /** The scalar, or the seed of Ed25519; the memory of what was read. */
  readonly secret: Uint8Array;
  /** SEC1 point that came along, for comparison. */
  readonly point: Uint8Array | undefined;
}

/** Object identifiers in hexadecimal (RFC 5480 §2, RFC 8410 §3, RFC 8017 §A). */
const oid = {
  ec: '2a8648ce3d0201',
  p256: '2a8648ce3d030107',
  p384: '2b81040022',
  ed25519: '2b6570',
  rsa: '2a864886f70d010101',
  rsaPss: '2a864886f70d01010a',
} as const;

/**
 * Takes PKCS #8 (RFC 5958 §2) of P-256, P-384 or Ed25519 apart.
 * @throws ApiMisuseError for everything else; the message holds nothing of the key.
 */
export function readPkcs8(der: Uint8Array): Pkcs8Key {
  const [info, ...more] = derElements(der) ?? [];
  const [version, identifier, contents, ...optional] = derInside(info, derTag.sequence) ?? [];
  const [algorithm, parameters] = derInside(identifier, derTag.sequence) ?? [];
  // attributes [0] and, in version 1, publicKey [1]
  const isWhole = more.length === 0 && optional.every(({ tag }) => tag === 0xa0 || tag === 0x81);
  if (version?.tag !== derTag.integer || contents?.tag !== derTag.octets || !isWhole) throw unreadable();
  const name = oidOf(algorithm);
  if (name === oid.rsa || name === oid.rsaPss)
    throw new ApiMisuseError('RSA does not sign here: give a signature task (with WebCrypto, say), or a key of P-256');
  if (name === oid.ed25519) return edKey(contents.value);
  const curve = oidOf(parameters);
  if (name === oid.ec && curve === oid.p256) return ecKey('p256', 32, contents.value, curve);
  if (name === oid.ec && curve === oid.p384) return ecKey('p384', 48, contents.value, curve);
  throw new ApiMisuseError('a private key of this algorithm does not sign here: use P-256, P-384 or Ed25519');
}

/** RFC 8410 §7: CurvePrivateKey, an OCTET STRING in the OCTET STRING. */
function edKey(contents: Uint8Array): Pkcs8Key {
  const [seed, ...more] = derElements(contents) ?? [];
  if (seed?.tag !== derTag.octets || seed.value.length !== 32 || more.length > 0) throw unreadable();
  return { type: 'ed25519', secret: seed.value, point: undefined };
}

/** RFC 5915 §3: ECPrivateKey, whose privateKey has the length of the order, with leading zeros. */
function ecKey(type: 'p256' | 'p384', bytes: number, contents: Uint8Array, curve: string): Pkcs8Key {
  const [sequence, ...more] = derElements(contents) ?? [];
  const [version, secret, ...optional] = derInside(sequence, derTag.sequence) ?? [];
  const named = optional.find(({ tag }) => tag === 0xa0);
  const [bits] =
    derInside(
      optional.find(({ tag }) => tag === 0xa1),
      0xa1,
    ) ?? [];
  const isOwnCurve = named === undefined || oidOf(derInside(named, 0xa0)?.[0]) === curve;
  if (version?.tag !== derTag.integer || version.value[0] !== 1 || !isOwnCurve || more.length > 0) throw unreadable();
  if (secret?.tag !== derTag.octets || secret.value.length !== bytes) throw unreadable();
  return { type, secret: secret.value, point: bits?.value.subarray(1) };
}

const oidOf = (element: DerElement | undefined): string | undefined =>
  element?.tag === derTag.oid ? bytesToHex(element.value) : undefined;

const unreadable = (): ApiMisuseError =>
  new ApiMisuseError('the private key is no PKCS #8 DER: convert it with `openssl pkcs8 -topk8 -nocrypt`');
