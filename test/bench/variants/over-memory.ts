// rxtls in memory: the cost of the stage and the engine, without sockets.
import { secure } from '@rxtls/core';
import { memoryPair } from '@rxtls/transport-memory';
import { of } from 'rxjs';
import { coreClient } from './core-client.ts';
import type { Engines } from './engines.ts';
import type { Variant } from './variant.ts';

export function overMemory({ server, fullClient, resumingClient, sessions }: Engines): Variant {
  return {
    ...sessions,
    async open(resume) {
      const pair = memoryPair();
      const [a, b] = pair;
      const [ours, theirs] = await Promise.all([
        coreClient(of(a).pipe(secure(resume ? resumingClient : fullClient))),
        coreClient(of(b).pipe(secure(server))),
      ]);
      return {
        client: ours.end,
        server: theirs.end,
        resumed: ours.end.resumed,
        close: async () => {
          ours.end.close();
          await Promise.all([ours.over, theirs.over]);
        },
        hold: () => pair.link.aToB.starve(0),
        release: () => pair.link.aToB.starve(Number.POSITIVE_INFINITY),
      };
    },
  };
}
