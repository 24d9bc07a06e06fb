import { equalBytes } from '@rxtls/core/engine-parts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { latin1Text } from './latin1-text.ts';
import { type Certificate, parseCertificate } from './parse-certificate.ts';
import { type SigningCertificate, signingCertificate } from './signing-certificate.ts';

/** How many are remembered, the latest read, and how long such a one may be: what a peer can make a factory keep. */
const most = 64;
const longest = 4_096;
/** Of the signature, which ends a certificate: enough to tell those apart that are not made to look alike. */
const nameBytes = 24;

/**
 * The certificates that one factory has read. Whatever depends on their bytes alone is done once: to read one, to import its
 * key, to verify by that key that another is signed. All that depends on the time, the rules or the rest of the chain is judged anew.
 */
export class KnownCertificates {
  readonly #crypto: Pick<CryptoProvider, 'publicKey'>;
  readonly #known = new Map<string, SigningCertificate>();
  /** By whose key each is signed, of paths that were proved. */
  readonly #issuers = new WeakMap<Certificate, Certificate>();

  constructor(crypto: Pick<CryptoProvider, 'publicKey'>) {
    this.#crypto = crypto;
  }

  /** Reads a certificate; what it gives are views of bytes that nobody else has. @throws CertificateError `bad-certificate` */
  read(der: Uint8Array): SigningCertificate {
    const name = latin1Text(der.subarray(-nameBytes));
    const known = this.#known.get(name);
    if (known !== undefined && equalBytes(known.certificate.der, der)) return known;
    const read = signingCertificate(parseCertificate(new Uint8Array(der)), this.#crypto);
    if (der.length > longest) return read;
    this.#known.set(name, read);
    if (this.#known.size > most) this.#known.delete(this.#known.keys().next().value ?? name);
    return read;
  }

  /** Whether the issuer's key has signed the certificate. */
  isSigned(certificate: Certificate, { certificate: issuer, key }: SigningCertificate): boolean {
    if (this.#issuers.get(certificate) === issuer) return true;
    const { signatureAlgorithm: algorithm, tbs, signature } = certificate;
    return algorithm !== undefined && key()?.verify(algorithm, tbs, signature) === true;
  }

  /** From the leaf to the anchor, each signed by the next. */
  proved(path: readonly Certificate[]): void {
    for (const [at, issuer] of path.slice(1).entries()) this.#issuers.set(path[at]!, issuer);
  }
}
