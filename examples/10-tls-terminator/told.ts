import { TlsError, WriteLostError } from '@rxtls/core';

/** What failed as one line; nothing of a peer's reaches the terminal as a control character. */
export const told = (error: unknown): string => {
  // A lost write is lost for a reason, and that is what to tell.
  if (error instanceof WriteLostError && error.cause !== undefined) return told(error.cause);
  const message = error instanceof Error ? error.message : String(error);
  return `${message}${error instanceof TlsError ? ` (${error.name})` : ''}`
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '?')
    .slice(0, 400);
};
