import { type RetryConfig, throwError, timer } from 'rxjs';
import { ApiMisuseError, TlsError } from './engine/index.ts';

/** The longest delay a timer takes; past it Node's fire at once. */
const longest = 2 ** 31 - 1;

/**
 * A `retry` configuration that tries again only where nothing can be done twice: the error is `retryable` (the wire or the
 * time, not identity or protocol) and `safeToReplay` (no byte written had been handed to the transport).
 *
 * @param options `count` of retries, at least 1; `delay` before each, in milliseconds
 * @throws ApiMisuseError
 * @example retry(whenSafe({ count: 3 }))
 */
export function whenSafe(options: { readonly count: number; readonly delay?: number }): RetryConfig {
  const { count, delay = 0 } = options ?? {};
  if (!Number.isSafeInteger(count) || count < 1)
    throw new ApiMisuseError('whenSafe({ count }) takes how often to try again, a whole number of at least 1');
  if (!Number.isFinite(delay) || delay < 0 || delay > longest)
    throw new ApiMisuseError(`whenSafe({ delay }) takes milliseconds, from 0 to ${longest}`);
  return {
    count,
    delay: (error: unknown) =>
      error instanceof TlsError && error.retryable && error.safeToReplay ? timer(delay) : throwError(() => error),
  };
}
