import { generateKeyPair, type KeyPairKeyObjectResult, type webcrypto } from 'node:crypto';
import { promisify } from 'node:util';
import type * as X509 from '@peculiar/x509';

/** A leaf's key: ECDSA on P-256 or P-384, RSA of 2048 bits for all of RSA or for RSASSA-PSS alone, or Ed25519. */
export type TestKey = 'ecdsa' | 'p384' | 'rsa' | 'rsa-pss' | 'ed25519';

/** What a leaf is to be. */
export interface IssueOptions {
  /** Default what the authorities have. */
  readonly key?: TestKey;
  /** DNS names; the first is the common name too. Default `localhost` and `server.test`. */
  readonly names?: readonly string[];
  /** IP addresses. */
  readonly ips?: readonly string[];
  /** No subject alternative name: names stand in the common name alone. */
  readonly commonNameOnly?: boolean;
  /** Default an hour ago, and a day from now. */
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Extended key usage. Default `server`. */
  readonly usage?: 'server' | 'client' | 'both' | 'none';
  /** Default `intermediate`; `root` signs directly, `untrusted` is a root of somebody else's. */
  readonly issuer?: 'intermediate' | 'root' | 'untrusted';
}

/** A leaf with its key. */
export interface TestCredentials {
  /** The leaf, then the intermediate if it has one: what a server's `cert` option takes. */
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly keyPem: string;
  readonly leafDer: Uint8Array;
  /** The same certificates as in `certificatePem`. */
  readonly chainDer: readonly Uint8Array[];
}

/** An authority that can sign. */
interface TestAuthority {
  readonly pem: string;
  readonly der: Uint8Array;
  readonly certificate: X509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
  /** What a leaf's chain needs besides the leaf: nothing below a root. */
  readonly above: readonly TestAuthority[];
}

/** Makes authorities and leaves. */
export interface CertificateMaker {
  authority(commonName: string, issuer?: TestAuthority): Promise<TestAuthority>;
  leaf(options: IssueOptions, issuer: TestAuthority): Promise<TestCredentials>;
}

const keyPair = promisify(generateKeyPair);
const hour = 3_600_000;
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2_048,
  publicExponent: Uint8Array.of(1, 0, 1),
  hash: 'SHA-256',
} as const;
const usages = {
  server: ['1.3.6.1.5.5.7.3.1'],
  client: ['1.3.6.1.5.5.7.3.2'],
  both: ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'],
  none: ['1.3.6.1.5.5.7.3.4'],
} as const;

/** Binds the X.509 library to a WebCrypto, a kind of key and a time. A root is its own issuer. */
export function certificateMaker(
  x509: typeof X509,
  crypto: webcrypto.Crypto,
  authorityKeys: 'ecdsa' | 'rsa',
  now: number,
): CertificateMaker {
  const { KeyUsageFlags } = x509;
  const algorithm = authorityKeys === 'rsa' ? rsa : ecdsa;

  const sign = (
    publicKey: webcrypto.CryptoKey | Uint8Array<ArrayBuffer>,
    subject: string,
    issuer: { readonly subject: string; readonly key: webcrypto.CryptoKey },
    validity: { readonly notBefore: Date; readonly notAfter: Date },
    extensions: X509.Extension[],
  ): Promise<X509.X509Certificate> =>
    x509.X509CertificateGenerator.create(
      {
        serialNumber: `7e${Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')}`,
        subject,
        issuer: issuer.subject,
        ...validity,
        publicKey,
        signingKey: issuer.key,
        signingAlgorithm: algorithm,
        extensions,
      },
      crypto,
    );

  const authority: CertificateMaker['authority'] = async (commonName, issuer) => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const subject = `CN=${commonName}`;
    const certificate = await sign(
      keys.publicKey,
      subject,
      issuer === undefined
        ? { subject, key: keys.privateKey }
        : { subject: issuer.certificate.subject, key: issuer.key },
      { notBefore: new Date(now - 400 * 24 * hour), notAfter: new Date(now + 400 * 24 * hour) },
      [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
        await x509.AuthorityKeyIdentifierExtension.create(issuer?.certificate ?? keys.publicKey, false, crypto),
      ],
    );
    const made = { pem: pem(certificate), der: der(certificate), certificate, key: keys.privateKey };
    const above: TestAuthority[] = issuer === undefined ? [] : [{ ...made, above: [] }];
    return { ...made, above };
  };

  const leaf: CertificateMaker['leaf'] = async (options, issuer) => {
    const { names = ['localhost', 'server.test'], ips = [], commonNameOnly = false } = options;
    const kind = options.key ?? authorityKeys;
    const keys = await leafKeys(kind);
    // RSA key transport encrypts to the certificate's key (RFC 5246 §7.4.2).
    const keyUsages =
      kind === 'rsa'
        ? new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true)
        : new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature, true);
    const alternatives = [
      ...names.map((value) => ({ type: 'dns' as const, value })),
      ...ips.map((value) => ({ type: 'ip' as const, value })),
    ];
    const certificate = await sign(
      keys.publicDer,
      `CN=${names[0] ?? ips[0] ?? 'nobody'}`,
      { subject: issuer.certificate.subject, key: issuer.key },
      { notBefore: options.notBefore ?? new Date(now - hour), notAfter: options.notAfter ?? new Date(now + 24 * hour) },
      [
        new x509.BasicConstraintsExtension(false, undefined, true),
        keyUsages,
        new x509.ExtendedKeyUsageExtension([...usages[options.usage ?? 'server']]),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.certificate, false, crypto),
        ...(commonNameOnly ? [] : [new x509.SubjectAlternativeNameExtension(alternatives)]),
      ],
    );
    return {
      certificatePem: [pem(certificate), ...issuer.above.map((above) => above.pem)].join(''),
      keyPem: keys.privatePem,
      leafDer: der(certificate),
      chainDer: [der(certificate), ...issuer.above.map((above) => above.der)],
    };
  };

  return { authority, leaf };
}

/** By node:crypto rather than WebCrypto, where Node 20 warns that Ed25519 is experimental. */
async function leafKeys(key: TestKey): Promise<{ publicDer: Uint8Array<ArrayBuffer>; privatePem: string }> {
  const { publicKey, privateKey } = await newKeys[key]();
  return {
    publicDer: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

const newKeys: Readonly<Record<TestKey, () => Promise<KeyPairKeyObjectResult>>> = {
  ecdsa: () => keyPair('ec', { namedCurve: 'P-256' }),
  p384: () => keyPair('ec', { namedCurve: 'P-384' }),
  rsa: () => keyPair('rsa', { modulusLength: 2_048 }),
  'rsa-pss': () => keyPair('rsa-pss', { modulusLength: 2_048 }),
  ed25519: () => keyPair('ed25519', {}),
};

const pem = (certificate: X509.X509Certificate): string => `${certificate.toString('pem')}\n`;
const der = (certificate: X509.X509Certificate): Uint8Array => new Uint8Array(certificate.rawData);
