import { createHash, type X509Certificate } from 'node:crypto';

/** A hash over everything that a session's validity hangs on: sessions are bound to it, so none outlives a change. */
export const policyHash = (parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** A name for a set of trust anchors, whatever their order. */
export const trustHash = (anchors: readonly X509Certificate[]): string =>
  policyHash(anchors.map((anchor) => anchor.fingerprint256).sort());
