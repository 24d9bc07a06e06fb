import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import { type CertificateInput, loadCertificates } from './certificates.ts';
import { policyHash, trustHash } from './policy-hash.ts';

/** Explicit trust anchors, or the runtime's roots as they were when this was made. */
export interface TrustAnchors {
  /** The caller's own list: nothing else is trusted. */
  readonly explicit: boolean;
  readonly hash: string;
  /** For Node's `ca`: it reads PEM only, and takes what it cannot read for an empty list. Undefined for the runtime's roots. */
  readonly pem: readonly string[] | undefined;
  /** All anchors that can have that name; some have another. */
  candidates(subject: string): readonly X509Certificate[];
}

/** Reads a list of trust anchors. @throws ApiMisuseError when it is empty or cannot be read. */
export function trustAnchors(input: CertificateInput | undefined, name: string): TrustAnchors {
  if (input === undefined) return runtimeRoots();
  const anchors = loadCertificates(input, name);
  return { explicit: true, hash: trustHash(anchors), pem: anchors.map(String), candidates: () => anchors };
}

/** Newer Node can say which roots it trusts, and lets a program change them; Node 20 shows its bundle only. */
const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => readonly string[] };

function runtimeRoots(): TrustAnchors {
  const pem = getCACertificates?.('default') ?? tls.rootCertificates;
  /** Read when it is needed first, and once for each factory: that takes tens of milliseconds. */
  let index: Index | undefined;
  return {
    explicit: false,
    hash: `runtime ${policyHash([pem])}`,
    pem: undefined,
    candidates: (subject) => {
      index ??= bySubject(pem.map((root) => new X509Certificate(root)));
      return index.get(key(subject)) ?? [];
    },
  };
}

type Index = ReadonlyMap<string, readonly X509Certificate[]>;

function bySubject(anchors: readonly X509Certificate[]): Index {
  const index = new Map<string, X509Certificate[]>();
  for (const anchor of anchors) index.set(key(anchor.subject), [...(index.get(key(anchor.subject)) ?? []), anchor]);
  return index;
}

/** RFC 5280 §7.1: names are compared without regard to case and runs of blanks. */
const key = (name: string): string => name.toLowerCase().replace(/ +/g, ' ');
