import { AnswerError } from './answer-error.ts';

/** An answer of HTTP/1.1, read to its end. */
export interface Answer {
  readonly status: number;
  /** By lower-case names; what came several times is joined by commas (RFC 9110 §5.3). */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
  /** What said where the body ends. */
  readonly framing: 'no body' | 'content-length' | 'chunked' | 'the end of the connection';
}

export interface AnswerLimits {
  readonly lineBytes: number;
  readonly headerLines: number;
  readonly bodyBytes: number;
}

/** What the script waits for: a line, so many bytes, or all that comes until the connection ends. */
export type Wanted = 'line' | 'rest' | number;

/** RFC 9112 as the list of what comes, in its order: it yields what it waits for and is given that. @throws AnswerError */
export function* answerScript(limits: AnswerLimits): Generator<Wanted, Answer, Buffer> {
  for (;;) {
    const [, digits] = /^HTTP\/1\.[01] ([1-5]\d\d)(?: .*)?$/.exec(text(yield 'line')) ?? [];
    if (digits === undefined) throw new AnswerError('the first line is no status of HTTP/1.1');
    const status = Number(digits);
    const headers = yield* fields(limits.headerLines);
    // RFC 9110 §15.2: any number of 1xx may come before the answer.
    if (status >= 200) return { status, headers, ...(yield* bodyOf(status, headers, limits.bodyBytes)) };
  }
}

function* fields(most: number): Generator<Wanted, Map<string, string>, Buffer> {
  const headers = new Map<string, string>();
  for (let lines = 0; ; lines++) {
    const line = text(yield 'line');
    if (line === '') return headers;
    if (lines === most) throw new AnswerError(`it has more than ${most} header fields`);
    // RFC 9112 §5: a name, a colon at once behind it, and no line that continues another.
    const [, name, value = ''] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*?)[ \t]*$/.exec(line) ?? [];
    if (name === undefined) throw new AnswerError('a line is no header field');
    const before = headers.get(name.toLowerCase());
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`);
  }
}

/** RFC 9112 §6.3, for the answer to a GET. */
function* bodyOf(
  status: number,
  headers: ReadonlyMap<string, string>,
  most: number,
): Generator<Wanted, Pick<Answer, 'body' | 'framing'>, Buffer> {
  const coding = headers.get('transfer-encoding');
  const length = headers.get('content-length');
  if (status === 204 || status === 304) return { body: Buffer.alloc(0), framing: 'no body' };
  // Two readers that believe one each see two answers where there is one.
  if (coding !== undefined && length !== undefined)
    throw new AnswerError('it has both Transfer-Encoding and Content-Length');
  if (coding !== undefined) {
    if (coding.toLowerCase() !== 'chunked') throw new AnswerError('its Transfer-Encoding is not just chunked');
    return { body: yield* chunks(most), framing: 'chunked' };
  }
  if (length === undefined) return { body: yield 'rest', framing: 'the end of the connection' };
  if (!/^\d{1,15}$/.test(length)) throw new AnswerError('its Content-Length is no number');
  return { body: yield within(Number(length), most), framing: 'content-length' };
}

/** RFC 9112 §7.1; extensions and trailers are read and mean nothing here. */
function* chunks(most: number): Generator<Wanted, Buffer, Buffer> {
  const parts: Buffer[] = [];
  for (let total = 0; ; ) {
    const [, digits] = /^([\da-f]{1,12})[ \t]*(?:;.*)?$/i.exec(text(yield 'line')) ?? [];
    if (digits === undefined) throw new AnswerError('the size of a chunk is no number');
    const size = Number.parseInt(digits, 16);
    if (size === 0) break;
    total = within(total + size, most);
    parts.push(yield size);
    if (text(yield 'line') !== '') throw new AnswerError('a chunk is longer than its size');
  }
  yield* fields(16);
  return Buffer.concat(parts);
}

function within(bytes: number, most: number): number {
  if (bytes > most) throw new AnswerError(`its body has more than ${most} bytes`);
  return bytes;
}

/** RFC 9110 §5.5: what is not ASCII is opaque, and a byte a character. */
const text = (line: Buffer): string => line.toString('latin1');
