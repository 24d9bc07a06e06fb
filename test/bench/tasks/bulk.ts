import type { Bench } from '../bench.ts';
import { arrival } from './arrival.ts';
import { pattern, repeated } from './repeated.ts';

/** `count` writes of so many bytes, as fast as the connection takes them, until all have arrived. */
export const bulk = (direction: 'up' | 'down', bytes: number): ((bench: Bench, count: number) => Promise<void>) => {
  const chunk = pattern(bytes);
  return async (bench, count) => {
    const { client, server } = await bench.standing();
    const [from, to] = direction === 'up' ? [client, server] : [server, client];
    const arrived = arrival(to, count * bytes);
    await Promise.all([from.pour(repeated(chunk, count)), arrived]);
  };
};
