import { ApiMisuseError } from '@rxtls/core/engine';
import { equalBytes, ownOptions } from '@rxtls/core/engine-parts';
import type { CryptoProvider, PrivateKey } from '../crypto/crypto-provider.ts';
import { type SignatureSchemeName, signatureSchemes } from '../crypto/signature-scheme.ts';
import { type CertificateInput, loadCertificates } from './certificate-input.ts';
import { hexText } from './hex-text.ts';
import { identityNames } from './identity-names.ts';
import { latin1Text } from './latin1-text.ts';
import type { Certificate } from './parse-certificate.ts';
import { pemBlocks } from './pem.ts';
import type { Signer } from './signer.ts';

/** A certificate chain and its key. */
export interface Credentials {
  /** The leaf first, then intermediates: PEM, one DER certificate, or a list of either. */
  readonly cert: CertificateInput;
  /** PEM or DER (PKCS #8), what else the runtime's cryptography takes (a `KeyObject` in Node), or a `Signer`. */
  readonly key: unknown;
  /** For an encrypted key. */
  readonly passphrase?: string;
}

/** Credentials after reading. */
export interface LoadedCredentials {
  /** DER, the leaf first. */
  readonly chain: readonly Uint8Array[];
  readonly leaf: Certificate;
  readonly key: PrivateKey | Signer;
  /** Names these credentials without holding their key: SHA-256 of the leaf in hexadecimal. */
  readonly fingerprint: string;
  /** Whose they are: a renewed certificate has the same. The subjectAltName, or the fingerprint where there is none. */
  readonly names: string;
}

/**
 * Reads one set of credentials, and checks that key and certificate are a pair; of a `Signer` only that it has a scheme for
 * the certificate's kind of key.
 * @param name of the option, for messages.
 * @throws ApiMisuseError otherwise; the message holds nothing of the key.
 */
export function loadCredentials(
  input: unknown,
  name: string,
  crypto: Pick<CryptoProvider, 'privateKey' | 'sha256'>,
): LoadedCredentials {
  const { cert, key, passphrase } = ownOptions(input, ['cert', 'key', 'passphrase'], name);
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw new ApiMisuseError(`${name}.passphrase must be a string`);
  if (cert === undefined || key === undefined) throw new ApiMisuseError(`${name} needs cert and key`);
  const chain = loadCertificates(cert, `${name}.cert`);
  const [leaf] = chain;
  if (leaf?.publicKey === undefined)
    throw new ApiMisuseError(
      `${name}.cert: the key of the first certificate is not spoken here: it must be P-256, P-384, RSA or Ed25519`,
    );
  const fingerprint = hexText(crypto.sha256(leaf.der));
  return {
    chain: chain.map(({ der }) => der),
    leaf,
    key: isSigner(key) ? checkedSigner(key, leaf, name) : privateKey(key, passphrase, leaf, name, crypto),
    fingerprint,
    names: namesOf(leaf) ?? fingerprint,
  };
}

function namesOf({ subjectAltName = [] }: Certificate): string | undefined {
  const { dns, addresses } = identityNames(subjectAltName);
  const names = [...dns, ...addresses.map(hexText)];
  return names.length === 0 ? undefined : names.sort().join();
}

function privateKey(
  input: unknown,
  passphrase: string | undefined,
  leaf: Certificate,
  name: string,
  crypto: Pick<CryptoProvider, 'privateKey'>,
): PrivateKey {
  const key = crypto.privateKey(pkcs8(input, name), passphrase);
  if (!equalBytes(key.publicKeyInfo, leaf.publicKeyInfo))
    throw new ApiMisuseError(`${name}.key is not the key of the first certificate`);
  return key;
}

/** PKCS #8 out of its PEM; everything else, encrypted keys too, as it is. */
function pkcs8(input: unknown, name: string): unknown {
  const text = input instanceof Uint8Array && input[0] !== 0x30 ? latin1Text(input) : input;
  if (typeof text !== 'string') return input;
  const keys = pemBlocks(text, `${name}.key`).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (keys.length !== 1) throw new ApiMisuseError(`${name}.key must hold one private key in PEM`);
  return keys[0]?.label === 'PRIVATE KEY' ? keys[0].der : text;
}

const isSigner = (key: unknown): key is Signer =>
  typeof key === 'object' && key !== null && 'schemes' in key && 'sign' in key && typeof key.sign === 'function';

function checkedSigner(signer: Signer, leaf: Certificate, name: string): Signer {
  const schemes: readonly unknown[] = Array.isArray(signer.schemes) ? [...(signer.schemes as readonly unknown[])] : [];
  const fits = signatureSchemes.filter(
    (each) =>
      each.inHandshake &&
      each.key === leaf.publicKey?.type &&
      each.algorithm === (leaf.onlyAlgorithm ?? each.algorithm),
  );
  const unknown = schemes.filter((each) => !signatureSchemes.some((known) => known.name === each));
  if (schemes.length === 0 || unknown.length > 0)
    throw new ApiMisuseError(`${name}.key.schemes must be a list of signature schemes by their names in RFC 8446`);
  const own = schemes.filter((each) => fits.some((fit) => fit.name === each)) as readonly SignatureSchemeName[];
  if (own.length === 0)
    throw new ApiMisuseError(
      `${name}.key has no scheme for the key of the first certificate; there are ${fits.map((fit) => fit.name).join(', ')}`,
    );
  return Object.freeze<Signer>({
    schemes: Object.freeze(own),
    sign: (scheme, message) => signer.sign(scheme, message),
  });
}
