import type { Duplex } from 'node:stream';

/** Writes all of them to what ends up in a stream, as long as `write` says that it may go on, and after each 'drain'. */
export const pour = (
  chunks: Iterable<Uint8Array>,
  write: (chunk: Uint8Array) => boolean,
  stream: Duplex,
): Promise<void> =>
  new Promise((resolve) => {
    const iterator = chunks[Symbol.iterator]();
    const goOn = (): void => {
      for (let next = iterator.next(); next.done !== true; next = iterator.next())
        if (!write(next.value)) {
          stream.once('drain', goOn);
          return;
        }
      resolve();
    };
    goOn();
  });
