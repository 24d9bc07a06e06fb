import type { StreamEnd } from './stream-end.ts';
import type { Pair } from './variant.ts';

/** A connection whose server ends when its client does. */
export const streamPair = (client: StreamEnd, server: StreamEnd, resumed: boolean): Pair => ({
  client,
  server,
  resumed,
  close: async () => {
    const both = Promise.all([client.closed(), server.closed()]);
    client.end();
    await both;
  },
});
