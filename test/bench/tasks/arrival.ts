import type { End } from '../variants/variant.ts';

/** Resolves when so many bytes have arrived; rejects when more do. */
export const arrival = (end: End, bytes: number): Promise<void> =>
  new Promise((resolve, reject) => {
    let missing = bytes;
    end.received = ({ length }) => {
      missing -= length;
      if (missing === 0) resolve();
      else if (missing < 0) reject(new Error('more bytes arrived than were sent'));
    };
  });
