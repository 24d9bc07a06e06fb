import { concatMap, defer, type OperatorFunction } from 'rxjs';
import { SmtpProtocolError } from './smtp-errors.ts';

/** An answer of the server (RFC 5321 §4.2). */
export interface SmtpReply {
  readonly code: number;
  /** Its lines without the code; every character is printable. */
  readonly lines: readonly string[];
}

/** RFC 5321 §4.5.3.1.5 has 512; servers are known to write more. */
const longestLine = 2_048;
const mostLines = 100;

/** Bytes in any chunks become replies. A reply without an end takes at most `mostLines` lines of memory. */
export function smtpReplies(): OperatorFunction<Uint8Array, SmtpReply> {
  return (bytes) =>
    defer(() => {
      let rest = '';
      let lines: string[] = [];
      return bytes.pipe(
        concatMap((chunk) => {
          const whole = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
          rest = whole.pop() ?? '';
          if ([rest, ...whole].some(({ length }) => length > longestLine))
            throw new SmtpProtocolError(`a line is longer than ${longestLine} bytes`);
          const replies: SmtpReply[] = [];
          for (const line of whole) {
            const [, code, mark, text = ''] = /^([2-5]\d\d)(?:([ -])(.*))?\r?$/.exec(line) ?? [];
            if (code === undefined) throw new SmtpProtocolError('a line is no reply');
            lines.push(text.replace(/[^ -~]/g, '?'));
            if (lines.length > mostLines) throw new SmtpProtocolError(`a reply has more than ${mostLines} lines`);
            if (mark === '-') continue;
            replies.push({ code: Number(code), lines });
            lines = [];
          }
          return replies;
        }),
      );
    });
}
