import { ApiMisuseError } from '@rxtls/core/engine';
import { equalBytes } from '@rxtls/core/engine-parts';
import type { CryptoProvider } from '../crypto/crypto-provider.ts';
import { loadCertificates } from './certificate-input.ts';
import { hexText } from './hex-text.ts';
import { latin1Text } from './latin1-text.ts';
import { type Certificate, parseCertificate } from './parse-certificate.ts';
import { type SigningCertificate, signingCertificate } from './signing-certificate.ts';

/** Explicit trust anchors, certificates that are trusted whoever signed them, or the runtime's roots as they were when this was made. */
export interface TrustAnchors {
  /** The caller's own list: nothing else is trusted. */
  readonly explicit: boolean;
  /** Names the set, whatever its order: for the scope of sessions. */
  readonly hash: string;
  /** Whether this very certificate is one. */
  has(certificate: Certificate): boolean;
  /** All that have that subject: a Name in DER, compared byte by byte. */
  named(subject: Uint8Array): readonly SigningCertificate[];
}

type AnchorCrypto = Pick<CryptoProvider, 'publicKey' | 'roots' | 'sha256'>;

/**
 * Reads a list of trust anchors, or takes the runtime's roots where it is left out.
 * @param name of the option, for messages.
 * @throws ApiMisuseError when there is none, or one that is given cannot be read or used.
 */
export function trustAnchors(input: unknown, name: string, crypto: AnchorCrypto): TrustAnchors {
  if (input === undefined) return runtimeRoots(name, crypto);
  const certificates = loadCertificates(input, name);
  const anchors = byName(certificates, crypto);
  if (certificates.some(({ publicKey }) => publicKey === undefined))
    throw new ApiMisuseError(
      `${name} holds a certificate whose key is not spoken here: it must be P-256, P-384, RSA or Ed25519`,
    );
  const ders = certificates.map(({ der }) => der);
  return made(true, setHash(ders, crypto), () => anchors);
}

function runtimeRoots(name: string, crypto: AnchorCrypto): TrustAnchors {
  const roots = crypto.roots?.() ?? [];
  if (roots.length === 0) throw new ApiMisuseError(`${name} is required: this runtime brings no roots to trust`);
  let anchors: ReadonlyMap<string, readonly SigningCertificate[]> | undefined;
  // To read all of them takes milliseconds, and those with a kind of key that is not spoken here lead nowhere.
  return made(false, `runtime ${setHash(roots, crypto)}`, () => (anchors ??= byName(roots.flatMap(readable), crypto)));
}

function readable(der: Uint8Array): readonly Certificate[] {
  try {
    return [parseCertificate(der)];
  } catch {
    return [];
  }
}

function made(
  explicit: boolean,
  hash: string,
  anchors: () => ReadonlyMap<string, readonly SigningCertificate[]>,
): TrustAnchors {
  const named = (subject: Uint8Array): readonly SigningCertificate[] => anchors().get(latin1Text(subject)) ?? [];
  return {
    explicit,
    hash,
    named,
    has: ({ der, subject }) => named(subject).some(({ certificate }) => equalBytes(certificate.der, der)),
  };
}

function byName(
  certificates: readonly Certificate[],
  crypto: AnchorCrypto,
): ReadonlyMap<string, readonly SigningCertificate[]> {
  const anchors = new Map<string, SigningCertificate[]>();
  for (const certificate of certificates) {
    if (certificate.publicKey === undefined) continue;
    const subject = latin1Text(certificate.subject);
    const same = anchors.get(subject) ?? [];
    same.push(signingCertificate(certificate, crypto));
    anchors.set(subject, same);
  }
  return anchors;
}

function setHash(ders: readonly Uint8Array[], crypto: AnchorCrypto): string {
  const hashes = [...new Set(ders.map((der) => hexText(crypto.sha256(der))))];
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted is ES2023; this array is ours alone
  const text = hashes.sort().join('');
  return hexText(crypto.sha256(Uint8Array.from(text, (character) => character.charCodeAt(0))));
}
