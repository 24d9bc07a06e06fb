import type { Writable } from 'node:stream';

/** Writes and waits until the stream has taken it, so that a slow reader of our output slows the server down. */
export const writeTo =
  (stream: Writable) =>
  (bytes: Uint8Array): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(bytes, (error) => {
        if (error) reject(new Error(`cannot write the plaintext: ${error.message}`, { cause: error }));
        else resolve();
      });
    });

/** Lines on a stream whose reader may go away: then nobody wants the rest. */
export function lineWriter(stream: Writable): (line: string) => void {
  stream.on('error', () => undefined);
  return (line) => void (stream.writable && stream.write(`${line}\n`));
}
