import type { Bench } from '../bench.ts';
import { firstByte } from './first-byte.ts';

/** Connections one after the other: handshake, a byte from the server, close_notify both ways, end of the transport. */
export const handshakes =
  (resume: boolean) =>
  async (bench: Bench, count: number): Promise<void> => {
    for (let n = 0; n < count; n++) {
      const pair = await bench.open(resume);
      await firstByte(pair);
      await pair.close();
    }
  };
