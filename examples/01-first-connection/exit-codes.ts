import { ApiMisuseError, CertificateError, TlsError } from '@rxtls/core';
import { UsageError } from './usage-error.ts';

const exitCode = { ok: 0, here: 1, usage: 2, unreachable: 3, certificate: 4, connection: 5 } as const;

/** What went wrong as one line for stderr and an exit code; `connected` once the transport stood. */
export function verdict(error: unknown, connected: boolean): { readonly code: number; readonly line: string } {
  if (error instanceof UsageError || error instanceof ApiMisuseError)
    return { code: exitCode.usage, line: oneLine(`${message(error)} (--help shows the options)`) };
  if (error instanceof CertificateError)
    return { code: exitCode.certificate, line: oneLine(`certificate refused: ${message(error)} (${error.reason})`) };
  if (error instanceof TlsError && !connected) return { code: exitCode.unreachable, line: oneLine(message(error)) };
  if (error instanceof TlsError && isOwnFailure(error.cause))
    return { code: exitCode.here, line: oneLine(`${message(error)}: ${message(error.cause)}`) };
  if (error instanceof TlsError)
    return { code: exitCode.connection, line: oneLine(`connection failed: ${message(error)} (${error.name})`) };
  return { code: exitCode.here, line: oneLine(message(error)) };
}

/** Reading stdin failed: the machine's fault, not the connection's. */
const isOwnFailure = (cause: unknown): boolean =>
  cause instanceof Error && (cause as NodeJS.ErrnoException).syscall === 'read' && !message(cause).includes('reset');

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Nothing of a peer's or a file's reaches the terminal as a control character. */
const oneLine = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '?')
    .slice(0, 400);
