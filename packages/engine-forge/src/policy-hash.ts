import { library } from './forge-library.ts';

/** A hash over everything that a session's validity hangs on: sessions are bound to it, so none outlives a change. */
export const policyHash = (parts: readonly unknown[]): string =>
  library.md.sha256
    .create()
    .update(library.util.encodeUtf8(JSON.stringify(parts)))
    .digest()
    .toHex();
