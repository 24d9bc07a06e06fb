import type { TlsConnection } from '@rxtls/core';
import {
  concat,
  defer,
  EMPTY,
  expand,
  ignoreElements,
  map,
  merge,
  NEVER,
  type Observable,
  share,
  take,
  throwError,
  throwIfEmpty,
  timeout,
} from 'rxjs';
import { SmtpRefusedError, SmtpUnansweredError } from './smtp-errors.ts';
import { type SmtpReply, smtpReplies } from './smtp-replies.ts';

/** What the client says, and how that may be shown. */
export interface Saying {
  readonly shown: string;
  readonly bytes: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

export interface Exchange {
  readonly said: Saying;
  readonly reply: SmtpReply;
}

/** Yields what to say next, and is given what was answered. */
export type Script = Generator<Saying, void, SmtpReply>;

/**
 * One thing is said, then its answer is waited for, until the script has ended. Nothing of it is held in memory but an answer: what is
 * said may be of any length, and goes as fast as the server takes it.
 *
 * @param patience milliseconds without an answer, or without progress in saying
 */
export function converse(connection: TlsConnection, script: () => Script, patience: number): Observable<Exchange> {
  return defer(() => {
    const lines = script();
    const replies = connection.plaintext.pipe(smtpReplies(), share());
    const after = ({ done, value }: IteratorResult<Saying, void>): Observable<Exchange> =>
      done === true ? EMPTY : exchanged(value);
    const exchanged = (said: Saying): Observable<Exchange> => {
      let isSaid = false;
      async function* words(): AsyncGenerator<Uint8Array, void> {
        yield* said.bytes;
        isSaid = true;
      }
      const unanswered = (why: string) => new SmtpUnansweredError(`the server ${why} after ${said.shown}`);
      const saying = concat(connection.writeFrom(words()), NEVER).pipe(
        timeout({ each: patience, with: () => throwError(() => unanswered(`was silent for ${patience} ms`)) }),
        ignoreElements(),
      );
      return merge(
        replies.pipe(
          take(1),
          throwIfEmpty(() => unanswered('closed')),
        ),
        saying,
      ).pipe(
        take(1),
        map((reply) => {
          if (!isSaid) throw new SmtpRefusedError(`the rest of ${said.shown}`, reply);
          return { said, reply };
        }),
      );
    };
    return after(lines.next()).pipe(expand(({ reply }) => after(lines.next(reply))));
  });
}
