import { AbortedError, type TlsPhase } from '@rxtls/core/engine';

/** A failure of Node's socket as one line that names the place, retryable, with Node's error as its cause. */
export function wireError(what: string, phase: TlsPhase, cause: unknown): AbortedError {
  return new AbortedError(`${what}: ${reason(cause)}`, { phase, retryable: true, cause });
}

/** Node's own words, without the address that the line already has. Trying several addresses gives several errors. */
function reason(cause: unknown): string {
  if (cause instanceof AggregateError) return [...new Set(cause.errors.map(reason))].join(', ');
  if (!(cause instanceof Error)) return String(cause);
  const { code } = cause as NodeJS.ErrnoException;
  return (code && words[code]) ?? oneLine(cause.message || code || cause.name);
}

const words: { readonly [code: string]: string } = {
  EACCES: 'permission denied (EACCES)',
  EADDRINUSE: 'the address is in use (EADDRINUSE)',
  EADDRNOTAVAIL: 'this machine has no such address (EADDRNOTAVAIL)',
  EAI_AGAIN: 'the name could not be looked up now (EAI_AGAIN)',
  ECONNREFUSED: 'connection refused (ECONNREFUSED)',
  ECONNRESET: 'reset by the other side (ECONNRESET)',
  EHOSTUNREACH: 'host unreachable (EHOSTUNREACH)',
  ENETUNREACH: 'network unreachable (ENETUNREACH)',
  ENOENT: 'no such file (ENOENT)',
  ENOTFOUND: 'no address for that name (ENOTFOUND)',
  EPIPE: 'closed by the other side (EPIPE)',
  ETIMEDOUT: 'no answer (ETIMEDOUT)',
};

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').slice(0, 200);
}
