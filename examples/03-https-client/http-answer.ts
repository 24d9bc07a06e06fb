import { concat, defer, filter, map, type Observable, of, type OperatorFunction, take } from 'rxjs';
import { AnswerError } from './answer-error.ts';
import { type Answer, type AnswerLimits, answerScript, type Wanted } from './answer-script.ts';

const defaultLimits: AnswerLimits = { lineBytes: 8_192, headerLines: 100, bodyBytes: 1_048_576 };

/**
 * The first answer in what a server sends; completes with it. A body that ends with the connection has ended when `plaintext`
 * completes, which takes the server's close_notify: a cut is an error, and never a short body.
 */
export function httpAnswer(limits: Partial<AnswerLimits> = {}): OperatorFunction<Uint8Array, Answer> {
  return (plaintext: Observable<Uint8Array>) =>
    defer(() => {
      const reader = new AnswerReader({ ...defaultLimits, ...limits });
      return concat(
        plaintext.pipe(map((bytes) => reader.read(bytes))),
        defer(() => of(reader.end())),
      ).pipe(
        filter((answer) => answer !== undefined),
        take(1),
      );
    });
}

/** Gives the script what it waits for, whatever the chunks are. */
class AnswerReader {
  readonly #limits: AnswerLimits;
  readonly #script: Generator<Wanted, Answer, Buffer>;
  #waiting: IteratorResult<Wanted, Answer>;
  #bytes = Buffer.alloc(0);

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
    this.#script = answerScript(limits);
    this.#waiting = this.#script.next();
  }

  /** @throws AnswerError */
  read(bytes: Uint8Array): Answer | undefined {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (!this.#waiting.done) {
      const piece = this.#piece(this.#waiting.value);
      if (piece === undefined) return undefined;
      this.#waiting = this.#script.next(piece);
    }
    return this.#waiting.value;
  }

  /** The connection has ended cleanly. @throws AnswerError where more was wanted */
  end(): Answer {
    if (!this.#waiting.done && this.#waiting.value === 'rest')
      this.#waiting = this.#script.next(this.#take(this.#bytes.length));
    if (!this.#waiting.done) throw new AnswerError('the connection ended before it');
    return this.#waiting.value;
  }

  #piece(wanted: Wanted): Buffer | undefined {
    if (wanted === 'line') return this.#line();
    if (wanted !== 'rest') return this.#bytes.length < wanted ? undefined : this.#take(wanted);
    const { bodyBytes } = this.#limits;
    if (this.#bytes.length > bodyBytes) throw new AnswerError(`its body has more than ${bodyBytes} bytes`);
    return undefined;
  }

  #line(): Buffer | undefined {
    const { lineBytes } = this.#limits;
    const end = this.#bytes.indexOf('\r\n');
    if (end > lineBytes || (end < 0 && this.#bytes.length > lineBytes + 1))
      throw new AnswerError(`a line of it has more than ${lineBytes} bytes`);
    return end < 0 ? undefined : this.#take(end + 2).subarray(0, end);
  }

  #take(length: number): Buffer {
    const piece = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return piece;
  }
}
