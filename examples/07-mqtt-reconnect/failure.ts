import { UsageError } from './usage-error.ts';

/** One line: what failed, why, and of what kind it was. */
export function failure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof UsageError ? error.message : `${reason(error)} (${error.name})`;
}

const reason = ({ message, cause }: Error): string =>
  cause instanceof Error && !message.includes(cause.message) ? `${message}: ${reason(cause)}` : message;
