import * as tls from 'node:tls';
import { type CertificateInput, loadCertificates } from './certificates.ts';
import { KnownCertificate, KnownCertificates } from './known-certificates.ts';
import { policyHash, trustHash } from './policy-hash.ts';

/** Explicit trust anchors, or the runtime's roots as they were when this was made. */
export interface TrustAnchors {
  /** The caller's own list: nothing else is trusted. */
  readonly explicit: boolean;
  readonly hash: string;
  /** For Node's `ca`: it reads PEM only, and takes what it cannot read for an empty list. Undefined for the runtime's roots. */
  readonly pem: readonly string[] | undefined;
  /** All anchors that can have that name, given in DER; some have another. */
  candidates(name: Buffer): readonly KnownCertificate[];
  /** What was read of certificates where these anchors count: one for each factory. */
  readonly known: KnownCertificates;
}

/** Reads a list of trust anchors. @throws ApiMisuseError when it is empty or cannot be read. */
export function trustAnchors(input: CertificateInput | undefined, name: string): TrustAnchors {
  if (input === undefined) return runtimeRoots();
  const certificates = loadCertificates(input, name);
  const anchors = certificates.map((certificate) => new KnownCertificate(certificate));
  return {
    explicit: true,
    hash: trustHash(certificates),
    pem: certificates.map(String),
    candidates: () => anchors,
    known: new KnownCertificates(),
  };
}

/** Newer Node can say which roots it trusts, and lets a program change them; Node 20 shows its bundle only. */
const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => readonly string[] };

function runtimeRoots(): TrustAnchors {
  const pem = getCACertificates?.('default') ?? tls.rootCertificates;
  const known = new KnownCertificates();
  let ders: readonly Buffer[] | undefined;
  return {
    known,
    explicit: false,
    hash: `runtime ${policyHash([pem])}`,
    pem: undefined,
    candidates: (name) => {
      ders ??= pem.map((root) => Buffer.from(root.replace(/-----[^-]+-----/g, ''), 'base64'));
      // To parse all of them takes tens of milliseconds. Public authorities write their name always in the same bytes.
      return ders.filter((der) => der.includes(name)).map((der) => known.read(der));
    },
  };
}
