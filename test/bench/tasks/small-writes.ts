import type { Bench } from '../bench.ts';
import { arrival } from './arrival.ts';
import { pattern, repeated } from './repeated.ts';

const message = pattern(100);

/** Messages of 100 bytes, pipelined. */
export async function smallWrites(bench: Bench, count: number): Promise<void> {
  const { client, server } = await bench.standing();
  const arrived = arrival(server, count * message.length);
  await Promise.all([client.pour(repeated(message, count)), arrived]);
}
