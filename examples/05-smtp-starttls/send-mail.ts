import type { Saying, Script } from './converse.ts';
import { dotStuffed } from './dot-stuffed.ts';
import { SmtpRefusedError } from './smtp-errors.ts';
import type { SmtpReply } from './smtp-replies.ts';

export interface Mail {
  readonly from: string;
  readonly to: string;
  readonly login: { readonly user: string; readonly password: string } | undefined;
  /** Header and text, with any line ends. */
  readonly message: AsyncIterable<Uint8Array>;
}

/** What is said over TLS, from EHLO to QUIT; what was said in the clear counts for nothing (RFC 3207 §4.2). A refusal is followed by QUIT, too. */
export function* sendMail(name: string, { from, to, login, message }: Mail): Script {
  try {
    const hello = yield* said(command(`EHLO ${name}`), 250);
    if (login !== undefined) yield* said(plainLogin(login, hello), 235);
    const isEightBit = hello.lines.some((keyword) => /^8BITMIME\b/i.test(keyword));
    yield* said(command(`MAIL FROM:<${from}>${isEightBit ? ' BODY=8BITMIME' : ''}`), 250);
    yield* said(command(`RCPT TO:<${to}>`), 250, 251);
    yield* said(command('DATA'), 354);
    yield* said({ shown: 'the mail', bytes: dotStuffed(message) }, 250);
  } catch (error) {
    if (error instanceof SmtpRefusedError && error.code !== 421) yield command('QUIT');
    throw error;
  }
  yield* said(command('QUIT'), 221);
}

function* said(saying: Saying, ...wanted: readonly number[]): Generator<Saying, SmtpReply, SmtpReply> {
  const reply = yield saying;
  if (!wanted.includes(reply.code)) throw new SmtpRefusedError(saying.shown, reply);
  return reply;
}

/** One line; what would make two of it is a mistake of the caller's, and is not sent. */
function command(line: string, shown = line): Saying {
  if (!/^[ -~]{1,510}$/.test(line))
    throw new TypeError('a command of SMTP is one line of at most 510 visible characters');
  return { shown, bytes: [Buffer.from(`${line}\r\n`, 'latin1')] };
}

/** RFC 4954 §4, RFC 4616. */
function plainLogin({ user, password }: NonNullable<Mail['login']>, hello: SmtpReply): Saying {
  if (!hello.lines.some((keyword) => /^AUTH .*\bPLAIN\b/i.test(keyword)))
    throw new SmtpRefusedError('AUTH PLAIN', { code: hello.code, lines: ['it is not offered'] });
  const response = Buffer.from(`\0${user}\0${password}`).toString('base64');
  return command(`AUTH PLAIN ${response}`, 'AUTH PLAIN …');
}
