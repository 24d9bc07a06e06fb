import { type Observable, throwError, timer } from 'rxjs';

export interface BackoffOptions {
  /** Milliseconds before the first try. */
  readonly first: number;
  /** Milliseconds, at most. */
  readonly most: number;
  /** How often in a row. */
  readonly attempts: number;
  /** Told of each wait. */
  readonly waiting?: (error: Error, milliseconds: number) => void;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/**
 * The `delay` of `retry`: twice as long each time, up to `most`, and between half of that and all of it by chance, so that the clients of a broker
 * that was away do not all come back in one moment. What another try cannot mend (a certificate, a refusal) is not tried again.
 */
export function backoff({ first, most, attempts, waiting, random = Math.random }: BackoffOptions) {
  return (error: unknown, attempt: number): Observable<unknown> => {
    if (!isRetryable(error) || attempt > attempts) return throwError(() => error);
    const longest = Math.min(most, first * 2 ** (attempt - 1));
    const milliseconds = (longest * (1 + random())) / 2;
    waiting?.(error, milliseconds);
    return timer(milliseconds);
  };
}

const isRetryable = (error: unknown): error is Error & { readonly retryable: true } =>
  error instanceof Error && 'retryable' in error && error.retryable === true;
