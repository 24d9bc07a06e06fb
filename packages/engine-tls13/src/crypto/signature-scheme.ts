/** The kinds of public keys that certificates may have here. */
export type KeyType = 'p256' | 'p384' | 'rsa' | 'rsa-pss' | 'ed25519';

/** A signature algorithm with its hash; PSS always with MGF1 of the same hash and a salt of its length (RFC 8446 §4.2.3). */
export type SignatureAlgorithm =
  | 'ecdsa-sha256'
  | 'ecdsa-sha384'
  | 'ecdsa-sha512'
  | 'rsa-pkcs1-sha256'
  | 'rsa-pkcs1-sha384'
  | 'rsa-pkcs1-sha512'
  | 'rsa-pss-sha256'
  | 'rsa-pss-sha384'
  | 'rsa-pss-sha512'
  | 'ed25519';

/** A SignatureScheme (RFC 8446 §4.2.3). */
export interface SignatureScheme {
  readonly name: SignatureSchemeName;
  readonly id: number;
  readonly algorithm: SignatureAlgorithm;
  /** The only kind of key it goes with. */
  readonly key: KeyType;
  /** May sign a CertificateVerify; the others are for certificates alone. */
  readonly inHandshake: boolean;
}

export type SignatureSchemeName =
  | 'ecdsa_secp256r1_sha256'
  | 'ecdsa_secp384r1_sha384'
  | 'ed25519'
  | 'rsa_pss_rsae_sha256'
  | 'rsa_pss_rsae_sha384'
  | 'rsa_pss_rsae_sha512'
  | 'rsa_pss_pss_sha256'
  | 'rsa_pss_pss_sha384'
  | 'rsa_pss_pss_sha512'
  | 'rsa_pkcs1_sha256'
  | 'rsa_pkcs1_sha384'
  | 'rsa_pkcs1_sha512';

const scheme = (
  name: SignatureSchemeName,
  id: number,
  algorithm: SignatureAlgorithm,
  key: KeyType,
  inHandshake = true,
): SignatureScheme => Object.freeze({ name, id, algorithm, key, inHandshake });

/** What is offered and accepted, in the order of preference. */
export const signatureSchemes: readonly SignatureScheme[] = Object.freeze([
  scheme('ecdsa_secp256r1_sha256', 0x0403, 'ecdsa-sha256', 'p256'),
  scheme('ecdsa_secp384r1_sha384', 0x0503, 'ecdsa-sha384', 'p384'),
  scheme('ed25519', 0x0807, 'ed25519', 'ed25519'),
  scheme('rsa_pss_rsae_sha256', 0x0804, 'rsa-pss-sha256', 'rsa'),
  scheme('rsa_pss_rsae_sha384', 0x0805, 'rsa-pss-sha384', 'rsa'),
  scheme('rsa_pss_rsae_sha512', 0x0806, 'rsa-pss-sha512', 'rsa'),
  scheme('rsa_pss_pss_sha256', 0x0809, 'rsa-pss-sha256', 'rsa-pss'),
  scheme('rsa_pss_pss_sha384', 0x080a, 'rsa-pss-sha384', 'rsa-pss'),
  scheme('rsa_pss_pss_sha512', 0x080b, 'rsa-pss-sha512', 'rsa-pss'),
  // RFC 8446 §4.2.3: "These values refer solely to signatures which appear in certificates and are not defined for use in signed TLS handshake messages".
  scheme('rsa_pkcs1_sha256', 0x0401, 'rsa-pkcs1-sha256', 'rsa', false),
  scheme('rsa_pkcs1_sha384', 0x0501, 'rsa-pkcs1-sha384', 'rsa', false),
  scheme('rsa_pkcs1_sha512', 0x0601, 'rsa-pkcs1-sha512', 'rsa', false),
]);

const byId: ReadonlyMap<number, SignatureScheme> = new Map(signatureSchemes.map((each) => [each.id, each]));

/** The scheme of a number, or undefined for one that is not spoken here. */
export const signatureScheme = (id: number): SignatureScheme | undefined => byId.get(id);
