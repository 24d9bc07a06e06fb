import type { Pair } from '../variants/variant.ts';
import { arrival } from './arrival.ts';

const one = Uint8Array.of(1);

/** A byte from the server: what comes with the end of a handshake, tickets too, is then there. */
export async function firstByte({ client, server }: Pair): Promise<void> {
  const arrived = arrival(client, 1);
  server.send(one);
  await arrived;
}
