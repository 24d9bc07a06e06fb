import type { X509Certificate } from 'node:crypto';
import { type CertificateInput, loadCertificates } from './certificates.ts';
import { trustHash } from './policy-hash.ts';

/** Explicit trust anchors, or the runtime's roots when there are none. */
export interface TrustAnchors {
  readonly anchors: readonly X509Certificate[] | undefined;
  readonly hash: string;
  /** For Node's `ca`: it reads PEM only, and takes what it cannot read for an empty list. */
  readonly pem: readonly string[] | undefined;
}

/** Reads a list of trust anchors. @throws ApiMisuseError when it is empty or cannot be read. */
export function trustAnchors(input: CertificateInput | undefined, name: string): TrustAnchors {
  const anchors = input === undefined ? undefined : loadCertificates(input, name);
  return { anchors, hash: trustHash(anchors), pem: anchors?.map(String) };
}
