import type { SmtpReply } from './smtp-replies.ts';

/** The server said no; `code` is its own. */
export class SmtpRefusedError extends Error {
  override readonly name = 'SmtpRefusedError';
  readonly code: number;
  constructor(what: string, { code, lines }: SmtpReply) {
    super(`the server refused ${what}: ${code} ${(lines.at(-1) ?? '').slice(0, 100)}`);
    this.code = code;
  }
}

/** The server does not speak as RFC 5321 says. */
export class SmtpProtocolError extends Error {
  override readonly name = 'SmtpProtocolError';
}

/** The server closed, or said nothing for too long, where an answer was owed. */
export class SmtpUnansweredError extends Error {
  override readonly name = 'SmtpUnansweredError';
}
