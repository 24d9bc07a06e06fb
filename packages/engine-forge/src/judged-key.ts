import { EngineFailureError } from '@rxtls/core/engine';
import { parseCertificate } from './certificates.ts';
import type { ForgeCertificate } from './forge-library.ts';

/**
 * Holds what node-forge believed of the peer against what was judged before it: the key it encrypted to, or checked a
 * signature with, is that of the judged leaf. `checkFraming` sees to it that they can't differ; here it would show.
 * @param chain what was judged, the leaf first; empty where the peer showed nothing.
 * @throws EngineFailureError
 */
export function checkJudgedKey(used: ForgeCertificate | null | undefined, chain: readonly Uint8Array[]): void {
  const [leaf] = chain;
  if (leaf === undefined && (used ?? undefined) === undefined) return;
  if (leaf !== undefined && used) {
    const { n, e } = parseCertificate(leaf).certificate.publicKey;
    if (n.equals(used.publicKey.n) && e.equals(used.publicKey.e)) return;
  }
  throw new EngineFailureError('node-forge used another certificate than the one that was judged', {
    alert: 'internal_error',
  });
}
