// The public face, in reading order.
export { type WatchedFiles, watchFiles } from './watch-files.ts';
export type { WatchFilesOptions } from './watch-files-options.ts';
export type { WatchFilesEvent } from './watch-files-event.ts';
export {
  checkCredentials,
  type CheckCredentialsOptions,
  type CheckedCredentials,
  type PemCredentials,
} from './check-credentials.ts';
export { type CredentialsFault, CredentialsError } from './credentials-error.ts';
export { CredentialsUnavailableError } from './credentials-unavailable-error.ts';
