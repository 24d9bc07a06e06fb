import { TlsError } from '@rxtls/core/engine';

/** There were no usable credentials within `firstTimeout`; `cause` is what was wrong with the files last. */
export class CredentialsUnavailableError extends TlsError {
  override readonly name = 'CredentialsUnavailableError';
  override readonly retryable = true;
}
