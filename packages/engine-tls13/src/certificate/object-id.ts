/** The object identifiers that are known here, by the names their standards give them. */
export const objectId = {
  emailAddress: '1.2.840.113549.1.9.1',
  // RFC 5480 §2.1.1, RFC 8410 §3, RFC 4055 §1.2
  ecPublicKey: '1.2.840.10045.2.1',
  prime256v1: '1.2.840.10045.3.1.7',
  secp384r1: '1.3.132.0.34',
  ed25519: '1.3.101.112',
  rsaEncryption: '1.2.840.113549.1.1.1',
  rsassaPss: '1.2.840.113549.1.1.10',
  mgf1: '1.2.840.113549.1.1.8',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  // RFC 5280 §4.2.1
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extKeyUsage: '2.5.29.37',
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
} as const;

/** The dotted text of an object identifier's content (X.690 §8.19); undefined when it is none in its shortest form. */
export function readObjectId(content: Uint8Array): string | undefined {
  // One arc can be 2^112 or more (UUIDs are 128 bits); none that is longer is of use to anybody.
  if (content.length === 0 || content.length > 64 || (content.at(-1) ?? 0x80) >= 0x80) return undefined;
  const arcs: (number | bigint)[] = [];
  let arc: number | bigint = 0;
  let inside = false;
  for (const byte of content) {
    if (!inside && byte === 0x80) return undefined;
    // A number holds 45 bits and seven more.
    if (typeof arc === 'number' && arc < 2 ** 45) arc = arc * 128 + (byte & 0x7f);
    else arc = BigInt(arc) * 128n + BigInt(byte & 0x7f);
    inside = byte >= 0x80;
    if (inside) continue;
    arcs.push(arc);
    arc = 0;
  }
  const [first = 0, ...rest] = arcs;
  const root = first < 40 ? 0 : first < 80 ? 1 : 2;
  return [root, typeof first === 'number' ? first - root * 40 : first - 80n, ...rest].join('.');
}
