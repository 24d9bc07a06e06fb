import { type RetryConfig, throwError, timer } from 'rxjs';
import { TlsError } from './engine/index.ts';

/**
 * A `retry` configuration that tries again only where nothing can be done twice: the error is `retryable` (the wire or the
 * time, not identity or protocol) and `safeToReplay` (no byte written had been handed to the transport).
 *
 * @example retry(whenSafe({ count: 3 }))
 */
export function whenSafe(options: { readonly count: number; readonly delay?: number }): RetryConfig {
  const { count, delay = 0 } = options;
  return {
    count,
    delay: (error: unknown) =>
      error instanceof TlsError && error.retryable && error.safeToReplay ? timer(delay) : throwError(() => error),
  };
}
