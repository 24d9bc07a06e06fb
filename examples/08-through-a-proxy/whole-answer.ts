import { map, type OperatorFunction, reduce } from 'rxjs';

const most = 1_048_576;

/** What an answer was: its first line, and how many bytes came until the server closed. */
export interface WholeAnswer {
  readonly firstLine: string;
  readonly bytes: number;
}

/** All that comes until the server closes; the request has to have asked for that. */
export const wholeAnswer = (): OperatorFunction<Uint8Array, WholeAnswer> => (plaintext) =>
  plaintext.pipe(
    reduce((all, bytes) => {
      if (all.length + bytes.length > most) throw new Error(`the server's answer has more than ${most} bytes`);
      return Buffer.concat([all, bytes]);
    }, Buffer.alloc(0)),
    map((all) => {
      const [firstLine] = /^HTTP\/1\.[01] \d{3}[\x20-\x7e]*(?=\r\n)/.exec(all.toString('latin1')) ?? [];
      if (firstLine === undefined) throw new Error("the server's answer is not HTTP/1.1");
      return { firstLine, bytes: all.length };
    }),
  );
