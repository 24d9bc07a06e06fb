import { X509Certificate } from 'node:crypto';
import { CredentialsError } from './credentials-error.ts';
import { keyWeakness } from './key-weakness.ts';
import { type PemBlock, pemBlocks } from './pem-blocks.ts';
import { signatureWeakness } from './signature-weakness.ts';

const labels: readonly string[] = ['CERTIFICATE', 'X509 CERTIFICATE'];
export const isCertificate = ({ label }: PemBlock): boolean => labels.includes(label);

/** OpenSSL's own, with what it is trusted for behind the certificate: served as a leaf, and no certificate for anybody else. */
const trusted = 'TRUSTED CERTIFICATE';

/** The certificates in a text, at most `most` of them. @throws CredentialsError */
export function readCertificates(text: string, part: string, most: number): readonly X509Certificate[] {
  const all = pemBlocks(text, part);
  if (all.some(({ label }) => label === trusted))
    throw new CredentialsError(
      'malformed',
      part,
      `${part} holds a ${trusted}, which OpenSSL alone reads: write it again with openssl x509 -clrtrust`,
    );
  const blocks = all.filter(isCertificate);
  if (blocks.length === 0) throw new CredentialsError('malformed', part, `${part} holds no certificate`);
  if (blocks.length > most)
    throw new CredentialsError('broken-chain', part, `${part} holds ${blocks.length} certificates, at most ${most} go`);
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block.text);
    } catch {
      // OpenSSL's words are for its authors; which one it is is what helps.
      const message = `${part}: certificate ${index + 1} cannot be read: write the file again`;
      throw new CredentialsError('malformed', part, message);
    }
  });
}

/** The leaf first, each issued by the next, all of them in force at `now`, with keys and signatures that are strong enough. */
export function checkChain(chain: readonly X509Certificate[], part: string, now: number): void {
  chain.forEach((certificate, index) => {
    const which = `${part}: certificate ${index + 1} of ${chain.length}`;
    const weakness = weaknessOf(certificate);
    if (weakness !== undefined)
      throw new CredentialsError('weak-key', part, `${which} has ${weakness}: have one issued for another key`);
    const hash = signatureWeakness(certificate);
    if (hash !== undefined)
      throw new CredentialsError('weak-key', part, `${which} is signed with ${hash}: have one issued with SHA-256`);
    const issuer = chain[index + 1];
    if (issuer !== undefined && !isIssuedBy(certificate, issuer))
      throw new CredentialsError(
        'broken-chain',
        part,
        `${which} was not issued by the one after it: put the leaf first, then each one's issuer`,
      );
    const { from, to } = validity(certificate, which, part);
    if (now < from)
      throw new CredentialsError(
        'not-yet-valid',
        part,
        `${which} is not valid before ${certificate.validFrom}: look at the clock, or wait`,
      );
    if (now > to) throw new CredentialsError('expired', part, `${which} expired on ${certificate.validTo}: renew it`);
  });
}

function weaknessOf(certificate: X509Certificate): string | undefined {
  try {
    return keyWeakness(certificate.publicKey);
  } catch {
    return 'a key of a kind that OpenSSL does not know';
  }
}

/** A chain's own end: that of the certificate that ends first. */
export const chainEnd = (chain: readonly X509Certificate[]): number =>
  Math.min(...chain.map(({ validTo }) => Date.parse(validTo)));

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  } catch {
    return false; // a kind of key or signature that OpenSSL does not know
  }
}

function validity(certificate: X509Certificate, which: string, part: string): { from: number; to: number } {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (Number.isNaN(from) || Number.isNaN(to))
    throw new CredentialsError('malformed', part, `${which} has dates that cannot be read: have another one issued`);
  return { from, to };
}
