import { X509Certificate } from 'node:crypto';
import { derElements, type SubjectAlternativeNames, subjectAlternativeNames } from '@rxtls/core/engine-parts';

/** How many are remembered, and how long such a one may be: what a peer can make a factory keep. */
const most = 64;
const longest = 4_096;
/** Of the signature, which ends a certificate: enough to tell those apart that are not made to look alike. */
const nameBytes = 24;

/**
 * The certificates that one factory has read. Whatever depends on their bytes alone is done once: to parse one, to read its
 * fields, to verify that another has signed it. All that depends on the time, the rules or the rest of a chain is judged anew.
 */
export class KnownCertificates {
  readonly #known = new Map<string, KnownCertificate>();

  /** Nothing of `der` is kept. @throws when it is no certificate. */
  read(der: Uint8Array): KnownCertificate {
    const name = Buffer.from(der.subarray(-nameBytes)).toString('latin1');
    const known = this.#known.get(name);
    if (known?.der.equals(der) === true) return known;
    const read = new KnownCertificate(new X509Certificate(der));
    if (der.length > longest) return read;
    this.#known.set(name, read);
    if (this.#known.size > most) this.#known.delete(this.#known.keys().next().value ?? name);
    return read;
  }
}

/** A certificate that has been read. */
export class KnownCertificate {
  readonly x509: X509Certificate;
  #key: { readonly rsaBits: number | undefined } | undefined;
  #validity: Validity | undefined;
  #names: SubjectAlternativeNames | undefined;
  #issuerName: Buffer | undefined;
  #isSelfSigned: boolean | undefined;
  /** By whose key it was found to be signed. */
  #issuer: KnownCertificate | undefined;

  constructor(x509: X509Certificate) {
    this.x509 = x509;
  }

  /** Not to be given away: it would change for everybody. */
  get der(): Buffer {
    return this.x509.raw;
  }

  /** The size of an RSA key; undefined for other keys. @throws when the key cannot be read. */
  get rsaBits(): number | undefined {
    return (this.#key ??= { rsaBits: rsaBits(this.x509) }).rsaBits;
  }

  get validity(): Validity {
    return (this.#validity ??= { from: Date.parse(this.x509.validFrom), to: Date.parse(this.x509.validTo) });
  }

  get names(): SubjectAlternativeNames {
    return (this.#names ??= subjectAlternativeNames(this.der));
  }

  /** What is inside the issuer's Name. @throws when there is none. */
  get issuerName(): Buffer {
    return (this.#issuerName ??= issuerName(this.der));
  }

  get isSelfSigned(): boolean {
    return (this.#isSelfSigned ??= this.isIssuedBy(this));
  }

  /** Whether it says that it is the issuer's, and the issuer's key has signed it. */
  isIssuedBy(issuer: KnownCertificate): boolean {
    if (this.#issuer === issuer) return true;
    if (!issued(issuer.x509, this.x509)) return false;
    // One that is too long to be remembered is not kept by way of another.
    if (issuer.der.length <= longest) this.#issuer = issuer;
    return true;
  }
}

/** Milliseconds since 1970; NaN for what cannot be read. */
export interface Validity {
  readonly from: number;
  readonly to: number;
}

function rsaBits({ publicKey }: X509Certificate): number | undefined {
  const isRsa = publicKey.asymmetricKeyType === 'rsa' || publicKey.asymmetricKeyType === 'rsa-pss';
  return isRsa ? (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) : undefined;
}

function issued(issuer: X509Certificate, subject: X509Certificate): boolean {
  try {
    return subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
  } catch {
    // A key OpenSSL cannot use has signed nothing.
    return false;
  }
}

/** After version, serial number and algorithm (RFC 5280 §4.1). */
function issuerName(certificate: Uint8Array): Buffer {
  const tbs = derElements(derElements(certificate)?.[0]?.content ?? certificate)?.[0]?.content;
  const fields = tbs && derElements(tbs);
  const name = fields?.[fields[0]?.tag === 0xa0 ? 3 : 2]?.content;
  if (name === undefined) throw new TypeError('a certificate without an issuer');
  return Buffer.from(name);
}
