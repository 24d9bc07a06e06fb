import type { Bench } from '../bench.ts';
import { arrival } from './arrival.ts';
import { pattern } from './repeated.ts';

const message = pattern(100);

/** `count` times: so many messages queue while the transport takes nothing, and then drain. */
export const queuedIntents =
  (intents: number) =>
  async (bench: Bench, count: number): Promise<void> => {
    const pair = await bench.standing();
    const { client, server } = pair;
    for (let n = 0; n < count; n++) {
      const arrived = arrival(server, intents * message.length);
      pair.hold?.();
      for (let sent = 0; sent < intents; sent++) client.send(message);
      pair.release?.();
      await arrived;
    }
  };
