import { LimitExceededError } from '@rxtls/core/engine';
import { derElements, extensionValue } from '@rxtls/core/engine-parts';

const subjectAltName = Uint8Array.of(0x55, 0x1d, 0x11);
const nameConstraints = Uint8Array.of(0x55, 0x1d, 0x1e);

/**
 * Bounds what comparing names with constraints can cost (CVE-2023-0464 was of this kind): every name of a certificate
 * meets every subtree of those above it.
 * @param path DER, the leaf first. @throws LimitExceededError
 */
export function checkNameConstraintWork(path: readonly Uint8Array[], max: number): void {
  let subtrees = 0;
  let comparisons = 0;
  for (const certificate of [...path].reverse()) {
    // Besides the names in the extension there are the subject, and what may look like names in it.
    comparisons += subtrees * ((extensionValue(certificate, subjectAltName)?.length ?? 0) + 2);
    for (const { content } of extensionValue(certificate, nameConstraints) ?? [])
      subtrees += derElements(content)?.length ?? 0;
  }
  if (comparisons <= max) return;
  throw new LimitExceededError(
    'maxNameConstraintComparisons',
    `the chain needs ${comparisons} comparisons of names with constraints; ${max} are allowed`,
    { alert: 'bad_certificate' },
  );
}
