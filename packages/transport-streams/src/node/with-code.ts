/// <reference types="node" />
import { TlsError, TruncationError } from '@rxtls/core/engine';

/**
 * Libraries tell failures of a socket apart by `code`, and some take an error without one for none at all. So an error of a stream has
 * the system's code where a failure of the network caused it, ECONNRESET where the connection was cut, and otherwise its class:
 * `ERR_RXTLS_CERTIFICATE`.
 */
export function withCode(error: Error): Error {
  if ('code' in error) return error;
  const code = codeOfCause(error) ?? codeOfClass(error);
  return code === undefined ? error : Object.assign(error, { code });
}

/** Far enough: a write that was lost, the connection's error, the system's. */
const mostCauses = 8;

function codeOfCause(error: Error): string | undefined {
  let each: unknown = error;
  for (let depth = 0; each instanceof Error && depth < mostCauses; depth++) {
    const { code } = each as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
    if (each instanceof TruncationError) return 'ECONNRESET';
    each = each.cause;
  }
  return undefined;
}

function codeOfClass(error: Error): string | undefined {
  if (!(error instanceof TlsError)) return undefined;
  const words = error.name.replace(/Error$/, '').replaceAll(/\B[A-Z]/g, '_$&');
  return `ERR_RXTLS_${words.toUpperCase()}`;
}
