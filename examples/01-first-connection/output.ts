import type { Writable } from 'node:stream';

/** Where plaintext goes: waits until the stream has taken it, so that a slow reader of our output slows the server down. */
export interface Output {
  write(bytes: Uint8Array): Promise<void>;
  /** A terminal's line has been begun and not ended. */
  readonly isInLine: boolean;
}

export function plaintextTo(stream: Writable, isTerminal: boolean): Output {
  let last = 10;
  stream.on('error', ignore); // told by the callback below
  return {
    get isInLine() {
      return isTerminal && last !== 10;
    },
    write: (bytes) =>
      new Promise((resolve, reject) => {
        last = bytes.at(-1) ?? last;
        stream.write(bytes, (error) => {
          if (error) reject(new Error(`cannot write the plaintext: ${error.message}`, { cause: error }));
          else resolve();
        });
      }),
  };
}

/** For plaintext that the timeline shows. */
export const nowhere: Output = { write: () => Promise.resolve(), isInLine: false };

/** Lines on a stream whose reader may go away: then nobody wants the rest. */
export function lineWriter(stream: Writable, output: Output = nowhere): (line: string) => void {
  stream.on('error', ignore);
  return (line) => void (stream.writable && stream.write(`${output.isInLine ? '\n' : ''}${line}\n`));
}

const ignore = (): void => undefined;
