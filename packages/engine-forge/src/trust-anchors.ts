import { ApiMisuseError } from '@rxtls/core/engine';
import { toBinaryString } from './binary-string.ts';
import { loadCertificates, type ParsedCertificate } from './certificates.ts';
import { policyHash } from './policy-hash.ts';

/** Explicit trust anchors; node-forge has no roots of its own. */
export interface TrustAnchors {
  readonly anchors: readonly ParsedCertificate[];
  readonly hash: string;
}

/** Reads a list of trust anchors. @throws ApiMisuseError when it is left out, empty or cannot be read. */
export function trustAnchors(input: unknown, name: string): TrustAnchors {
  if (input === undefined) throw new ApiMisuseError(`${name} is required: node-forge brings no roots to trust`);
  const anchors = loadCertificates(input, name);
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted is ES2023; this array is ours alone
  return { anchors, hash: policyHash(anchors.map(({ der }) => toBinaryString(der)).sort()) };
}
