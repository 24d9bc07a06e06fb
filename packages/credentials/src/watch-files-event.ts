import type { CheckedCredentials } from './check-credentials.ts';
import type { CredentialsError, CredentialsFault } from './credentials-error.ts';

/** What became of the files. Each problem is told once, not at every look. */
export type WatchFilesEvent =
  /** They were emitted, the `generation`th time; `checked` where there is a `cert` and a `key`, and they were checked. */
  | { readonly type: 'loaded'; readonly generation: number; readonly checked?: CheckedCredentials }
  /** They must not be used. The last good ones go on. */
  | {
      readonly type: 'rejected';
      readonly fault: CredentialsFault;
      /** As it was given. */
      readonly path: string;
      /** Says what to do. */
      readonly error: CredentialsError;
    }
  /** After `rejected`: the files are again what was emitted last. */
  | { readonly type: 'recovered'; readonly generation: number }
  /** What was emitted last expires soon, or has expired, and nothing better has come. Told once for each. */
  | { readonly type: 'expiring'; readonly expired: boolean; readonly validTo: Date };
