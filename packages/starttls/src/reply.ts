import { misbehaved } from './refusal.ts';
import { line, type Script } from './script.ts';

/** A reply of SMTP or FTP. */
interface Reply {
  readonly code: string;
  /** The text of each line, without code and hyphen. */
  readonly lines: readonly string[];
}

/** RFC 5321 §4.2.1: each line of a multiline reply begins with the same code, all but the last with a hyphen behind it. */
export function* smtpReply(): Script<Reply> {
  const lines: string[] = [];
  let code: string | undefined;
  for (;;) {
    const [, own, mark, text = ''] = /^([2-5]\d\d)(?:([ -])(.*))?$/.exec(yield* line()) ?? [];
    if (own === undefined || (code !== undefined && code !== own)) throw misbehaved('a line is no reply');
    code = own;
    lines.push(text);
    if (mark !== '-') return { code, lines };
  }
}

/** RFC 959 §4.2: between the first line and the last, which begins with the first one's code and a space, text is free. */
export function* ftpReply(): Script<Reply> {
  const [, code, mark, text = ''] = /^([1-5]\d\d)([ -])(.*)$/.exec(yield* line()) ?? [];
  if (code === undefined) throw misbehaved('a line is no reply');
  const lines = [text];
  let isOpen = mark === '-';
  while (isOpen) {
    const next = yield* line();
    isOpen = !next.startsWith(`${code} `);
    lines.push(isOpen ? next : next.slice(4));
  }
  return { code, lines };
}
