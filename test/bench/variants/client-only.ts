// For clients that have no server of their own: the server is tls13Engine on node:crypto, in memory, the same for all of them.
import { type ByteDuplex, secure } from '@rxtls/core';
import { memoryPair } from '@rxtls/transport-memory';
import { of } from 'rxjs';
import type { Pki } from '../pki.ts';
import { coreClient } from './core-client.ts';
import { tls13NodeEngines } from './tls13-node.ts';
import type { End, Variant } from './variant.ts';

export interface ForeignClient extends End {
  readonly resumed: boolean;
  /** Sends its close_notify, where it has one. */
  close(): Promise<void> | void;
}

export type OpenClient = (wire: ByteDuplex, resume: boolean) => Promise<ForeignClient>;

export function clientOnly(pki: Pki, openClient: OpenClient): Variant {
  const { server } = tls13NodeEngines(pki);
  return {
    async open(resume) {
      const [a, b] = memoryPair();
      const serving = coreClient(of(b).pipe(secure(server)));
      const [client, { end, over }] = await Promise.all([openClient(a, resume), serving]);
      return {
        client,
        server: end,
        resumed: client.resumed,
        close: async () => {
          await client.close();
          a.sink.abort();
          await over.catch(() => undefined); // cut: these clients do not wait for the server's close_notify
        },
      };
    },
  };
}
