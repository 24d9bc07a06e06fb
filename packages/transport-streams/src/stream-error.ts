import { AbortedError } from '@rxtls/core/engine';

/** The failure of a stream as one line that names it, retryable, with the stream's own error as its cause. */
export function streamError(what: string, cause: unknown): AbortedError {
  return new AbortedError(`${what}: ${reason(cause)}`, { phase: 'open', retryable: true, cause });
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error) && typeof cause !== 'string') return 'broken off';
  const text = typeof cause === 'string' ? cause : cause.message || cause.name;
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}
