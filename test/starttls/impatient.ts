import type { ByteDuplex } from '@rxtls/core';
import { concatMap, EMPTY, of } from 'rxjs';

/** A client that does not wait for its go-ahead: the first bytes of its TLS come in one piece with its last question. */
export function impatient(below: ByteDuplex, questions: readonly Uint8Array[]): ByteDuplex {
  let command = questions.at(-1);
  for (const question of questions.slice(0, -1)) below.sink.write(question.slice());
  let heard: Buffer | undefined = Buffer.alloc(0);
  return {
    ...below,
    sink: {
      ...below.sink,
      write: (bytes) => {
        const all = command === undefined ? bytes : Buffer.concat([command, bytes]);
        command = undefined;
        below.sink.write(all);
      },
    },
    source: {
      request: (bytes) => below.source.request(bytes),
      // What the server says in the clear is not TLS, which begins with a handshake record
      bytes: below.source.bytes.pipe(
        concatMap((bytes) => {
          if (heard === undefined) return of(bytes);
          heard = Buffer.concat([heard, bytes]);
          const at = heard.indexOf(Buffer.of(22, 3, 3));
          if (at < 0) return EMPTY;
          const first = heard.subarray(at);
          heard = undefined;
          return of(first);
        }),
      ),
    },
  };
}
