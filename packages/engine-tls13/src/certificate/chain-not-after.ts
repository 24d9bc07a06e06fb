import type { KnownCertificates } from './known-certificates.ts';

/** When the leaf stops being valid, in milliseconds since 1970; no certificate never does. */
export function chainNotAfter(chain: readonly Uint8Array[], known: KnownCertificates): number {
  const [leaf] = chain;
  return leaf === undefined ? Number.POSITIVE_INFINITY : known.read(leaf).certificate.notAfter;
}
