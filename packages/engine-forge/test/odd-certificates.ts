// Certificates as authorities do not make them, by node-forge: any extension, any signature, any key.
import forge from 'node-forge';

type Forge = typeof forge;
export interface Pair {
  readonly publicKey: ReturnType<Forge['pki']['rsa']['setPublicKey']>;
  readonly privateKey: ReturnType<Forge['pki']['privateKeyFromPem']>;
}
export interface OddWish {
  readonly subject: string;
  readonly issuer?: string;
  readonly key: Pair;
  readonly signer: Pair;
  readonly extensions: readonly object[];
}
export type OddCertificate = ReturnType<Forge['pki']['createCertificate']>;

export const pair = (): Pair => forge.pki.rsa.generateKeyPair({ bits: 2_048 }) as unknown as Pair;

/** One element of DER. */
export function element(tag: number, ...parts: readonly string[]): string {
  const content = parts.join('');
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return String.fromCharCode(tag, ...size) + content;
}

export const authorityExtensions: readonly object[] = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, critical: true },
];

/** subjectAltName with these elements, as they are. */
export const names = (...elements: readonly string[]): object => ({
  id: '2.5.29.17',
  value: element(0x30, ...elements),
});
export const dns = (name: string): string => element(0x82, name);

/** nameConstraints (RFC 5280 §4.2.1.10) on DNS names. */
export function constraints(permitted: readonly string[], excluded: readonly string[] = []): object {
  const subtrees = (tag: number, bases: readonly string[]): string =>
    bases.length === 0 ? '' : element(tag, ...bases.map((base) => element(0x30, dns(base))));
  return {
    id: '2.5.29.30',
    critical: true,
    value: element(0x30, subtrees(0xa0, permitted), subtrees(0xa1, excluded)),
  };
}

let serial = 1;

export function odd({ subject, issuer = subject, key, signer, extensions }: OddWish): OddCertificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = key.publicKey;
  certificate.serialNumber = `40${String(++serial).padStart(4, '0')}`;
  certificate.validity = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 3_600_000) };
  certificate.setSubject([{ name: 'commonName', value: subject }]);
  certificate.setIssuer([{ name: 'commonName', value: issuer }]);
  certificate.setExtensions([...extensions]);
  certificate.sign(signer.privateKey as never, forge.md.sha256.create());
  return certificate;
}

export const toDer = (certificate: OddCertificate): string =>
  forge.asn1.toDer(forge.pki.certificateToAsn1(certificate)).getBytes();
export const toPem = (der: string): string => forge.pem.encode({ type: 'CERTIFICATE', body: der });

/** Signs again what the certificate says now. */
export function signAgain(
  certificate: OddCertificate,
  sign: (tbs: string) => string,
  said: { readonly inside: string; readonly outside: string },
): string {
  certificate.siginfo.algorithmOid = said.inside;
  certificate.signatureOid = said.outside;
  const pki = forge.pki as unknown as { getTBSCertificate(of: OddCertificate): forge.asn1.Asn1 };
  const tbs = pki.getTBSCertificate(certificate);
  certificate.tbsCertificate = tbs;
  certificate.signature = sign(forge.asn1.toDer(tbs).getBytes());
  return toDer(certificate);
}
