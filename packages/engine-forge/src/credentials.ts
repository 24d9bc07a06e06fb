import { ApiMisuseError } from '@rxtls/core/engine';
import { equalBytes, ownOptions, subjectPublicKeyInfo } from '@rxtls/core/engine-parts';
import { toBinaryString } from './binary-string.ts';
import { type CertificateInput, certificateDers, loadCertificates } from './certificates.ts';
import { type ForgePrivateKey, library } from './forge-library.ts';
import { policyHash } from './policy-hash.ts';

/** A certificate chain and its RSA key. */
export interface Credentials {
  /** The leaf first, then intermediates: PEM, one DER certificate, or a list of either. */
  readonly cert: CertificateInput;
  /** PEM, or DER (PKCS #8 or PKCS #1). RSA only. */
  readonly key: string | Uint8Array;
  /** For an encrypted key in PEM. */
  readonly passphrase?: string;
}

/** Credentials after reading, as node-forge wants them. */
export interface LoadedCredentials {
  readonly chainPem: readonly string[];
  readonly keyPem: string;
  readonly key: ForgePrivateKey;
  /** Names these credentials without holding their key: in session scopes. */
  readonly fingerprint: string;
  readonly leafDer: Uint8Array;
}

/**
 * Reads one set of credentials and checks that key and certificate are a pair.
 * @throws ApiMisuseError otherwise; the message holds nothing of the key.
 */
export function loadCredentials(input: unknown, name: string): LoadedCredentials {
  const own = ownOptions(input, ['cert', 'key', 'passphrase'], name);
  const { passphrase } = own;
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw new ApiMisuseError(`${name}.passphrase must be a string`);
  if (own.cert === undefined || own.key === undefined) throw new ApiMisuseError(`${name} needs cert and key`);
  const chain = loadCertificates(own.cert, `${name}.cert`);
  const key = privateKey(own.key, passphrase, name);
  const [leaf] = chain;
  if (leaf === undefined || !leaf.certificate.publicKey.n.equals(key.n) || !leaf.certificate.publicKey.e.equals(key.e))
    throw new ApiMisuseError(`${name}.key is not the key of the first certificate`);
  return {
    chainPem: chain.map(({ der }) => library.pem.encode({ type: 'CERTIFICATE', body: toBinaryString(der) })),
    keyPem: library.pki.privateKeyToPem(key),
    key,
    fingerprint: policyHash([toBinaryString(leaf.der)]),
    leafDer: leaf.der,
  };
}

function privateKey(input: unknown, passphrase: string | undefined, name: string): ForgePrivateKey {
  const { pki, asn1 } = library;
  try {
    if (input instanceof Uint8Array && input[0] === 0x30)
      return pki.privateKeyFromAsn1(asn1.fromDer(toBinaryString(input)));
    const pem = input instanceof Uint8Array ? toBinaryString(input) : input;
    if (typeof pem === 'string') {
      const key = passphrase === undefined ? pki.privateKeyFromPem(pem) : pki.decryptRsaPrivateKey(pem, passphrase);
      if (key !== null) return key;
    }
  } catch {
    // What node-forge says of a key may quote it; nothing of it is passed on.
  }
  throw new ApiMisuseError(`${name}.key cannot be read as an RSA private key`);
}

/**
 * Refuses a key that another engine uses too. Whoever can make this engine decrypt RSA for him can forge signatures or read
 * sessions of every other protocol with that key (Jager, Schwenk and Somorovsky 2015; ROBOT 2018).
 * @throws ApiMisuseError
 */
export function refuseSharedKey(credentials: LoadedCredentials, others: unknown): void {
  if (others === undefined) return;
  const own = subjectPublicKeyInfo(credentials.leafDer);
  for (const der of certificateDers(others, 'keysOfOtherEngines')) {
    const key = subjectPublicKeyInfo(der);
    if (key === undefined || own === undefined)
      throw new ApiMisuseError('keysOfOtherEngines holds a certificate that cannot be read');
    if (equalBytes(key, own))
      throw new ApiMisuseError(
        'credentials: another engine uses this key. TLS 1.0 decrypts with it, which gives away what other versions do with it; make a key of its own for forgeEngine',
      );
  }
}
