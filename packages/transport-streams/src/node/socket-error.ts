/// <reference types="node" />
import { AbortedError, TlsError, TruncationError, WriteLostError, WriteRefusedError } from '@rxtls/core/engine';

/**
 * The error with what libraries look for in a socket's, and some take for the error itself: `code`. That of the system's error below
 * it where there is one, `EPIPE` for a write to what has closed, `ECONNRESET` for what was cut, and otherwise its class, as in
 * `ERR_RXTLS_CERTIFICATE`. What is no failure of a connection, or frozen, stays as it is.
 */
export function socketError(error: unknown): Error | undefined {
  if (error === undefined || error === null) return undefined;
  const failure = error instanceof Error ? error : new AbortedError('the connection failed', { cause: error });
  const code = systemCode(failure) ?? codeOf(failure);
  if (code !== undefined && Object.isExtensible(failure)) Object.assign(failure, { code });
  return failure;
}

/** Far enough: a write that was lost, the connection's error, the system's. */
const mostCauses = 8;

function systemCode(error: Error): string | undefined {
  let each: unknown = error;
  for (let depth = 0; each instanceof Error && depth < mostCauses; depth++) {
    if ('code' in each && typeof each.code === 'string') return each.code;
    each = each.cause;
  }
  return undefined;
}

function codeOf(error: Error): string | undefined {
  if (error instanceof WriteLostError && error.cause instanceof TlsError) return codeOf(error.cause);
  if (error instanceof WriteRefusedError) return 'EPIPE';
  if (error instanceof AbortedError) return error.phase === 'closing' ? 'EPIPE' : 'ECONNRESET';
  if (error instanceof TruncationError || error instanceof WriteLostError) return 'ECONNRESET';
  if (!(error instanceof TlsError)) return undefined;
  return `ERR_RXTLS_${error.name
    .replace(/Error$/, '')
    .replaceAll(/\B[A-Z]/g, '_$&')
    .toUpperCase()}`;
}
