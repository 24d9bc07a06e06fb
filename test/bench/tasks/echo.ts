import type { Bench } from '../bench.ts';
import { pattern } from './repeated.ts';

const ping = pattern(100);

/** 100 bytes there and back, one in flight. */
export async function echo(bench: Bench, count: number): Promise<void> {
  const { client, server } = await bench.standing();
  server.received = (bytes) => server.send(bytes);
  await new Promise<void>((resolve) => {
    let [left, missing] = [count, ping.length];
    client.received = ({ length }) => {
      missing -= length;
      if (missing > 0) return;
      missing = ping.length;
      if (--left === 0) resolve();
      else client.send(ping);
    };
    client.send(ping);
  });
}
