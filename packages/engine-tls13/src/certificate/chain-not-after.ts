import { parseCertificate } from './parse-certificate.ts';

/** When the leaf stops being valid, in milliseconds since 1970; no certificate never does. */
export function chainNotAfter(chain: readonly Uint8Array[]): number {
  const [leaf] = chain;
  return leaf === undefined ? Number.POSITIVE_INFINITY : parseCertificate(leaf).notAfter;
}
