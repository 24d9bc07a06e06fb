import { AbortedError, ApiMisuseError, CertificateError, TlsError, WriteRefusedError } from '@rxtls/core';
import { UsageError } from './usage-error.ts';

/** Nothing that was to be written is dropped in silence. */
export const unsent = 'the server closed before everything was sent';

const exitCode = { ok: 0, here: 1, usage: 2, unreachable: 3, certificate: 4, connection: 5 } as const;

/** What went wrong as one line for stderr and an exit code; `connected` once the transport stood. */
export function verdict(error: unknown, connected: boolean): { readonly code: number; readonly line: string } {
  if (error instanceof UsageError || error instanceof ApiMisuseError)
    return { code: exitCode.usage, line: oneLine(`${asOption(message(error))} (--help shows the options)`) };
  if (error instanceof CertificateError)
    return {
      code: exitCode.certificate,
      line: oneLine(`certificate refused: ${message(error)} (${error.reason})${hint(error)}`),
    };
  if (error instanceof TlsError && !connected) return { code: exitCode.unreachable, line: oneLine(message(error)) };
  if (error instanceof TlsError && isOwnFailure(error.cause))
    return { code: exitCode.here, line: oneLine(`${message(error)}: ${message(error.cause)}`) };
  // Writes are pulled as there is room for them: a chunk is refused only when the server has closed since.
  if (error instanceof WriteRefusedError) return verdict(new AbortedError(unsent), connected);
  if (error instanceof TlsError)
    return { code: exitCode.connection, line: oneLine(`connection failed: ${message(error)} (${error.name})`) };
  return { code: exitCode.here, line: oneLine(message(error)) };
}

const hint = ({ reason }: CertificateError): string =>
  reason === 'unknown-authority' ? '; --ca FILE says whom to trust' : '';

/** Reading stdin failed: the machine's fault, not the connection's. */
const isOwnFailure = (cause: unknown): boolean =>
  cause instanceof Error &&
  (cause as NodeJS.ErrnoException).syscall === 'read' &&
  (cause as NodeJS.ErrnoException).code !== 'ECONNRESET';

/** The engine speaks of its own options. */
const asOption = (text: string): string =>
  text
    .replace(/^ca\b/, '--ca FILE')
    .replace(/^serverName\b/, '--server-name')
    .replace(/^alpnProtocols\b/, '--alpn');

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Nothing of a peer's or a file's reaches the terminal as a control character. */
const oneLine = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\p{Cc}/gu, '?')
    .slice(0, 400);
