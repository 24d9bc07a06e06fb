/// <reference types="node" />
import { AbortedError, TruncationError, WriteLostError, WriteRefusedError } from '@rxtls/core/engine';

/**
 * The error with what libraries look for in a socket's: `code`, that of Node's error below it where there is one, `EPIPE` for a
 * write to what has closed, `ECONNRESET` for what was cut. Other failures have none.
 */
export function socketError(error: unknown): Error | undefined {
  if (error === undefined || error === null) return undefined;
  const failure = error instanceof Error ? error : new AbortedError('the connection failed', { cause: error });
  const code = codeOf(failure);
  if (code !== undefined && Object.isExtensible(failure)) Object.assign(failure, { code });
  return failure;
}

function codeOf(error: Error): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if ('code' in at && typeof at.code === 'string') return at.code;
  if (error instanceof WriteRefusedError) return 'EPIPE';
  if (error instanceof AbortedError) return error.phase === 'closing' ? 'EPIPE' : 'ECONNRESET';
  return error instanceof TruncationError || error instanceof WriteLostError ? 'ECONNRESET' : undefined;
}
