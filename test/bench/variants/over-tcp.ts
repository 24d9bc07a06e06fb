// rxtls over loopback TCP, as its README shows it.
import { secure, secureEach } from '@rxtls/core';
import { connect, listen, type ListeningAddress } from '@rxtls/transport-tcp';
import { coreClient } from './core-client.ts';
import { CoreEnd } from './core-end.ts';
import type { Engines } from './engines.ts';
import { Handover } from './handover.ts';
import { host } from './setting.ts';
import type { Variant } from './variant.ts';

export async function overTcp({ server, fullClient, resumingClient, sessions }: Engines): Promise<Variant> {
  const accepted = new Handover<CoreEnd>();
  const { port } = await new Promise<ListeningAddress & { port: number }>((listening, reject) => {
    listen({ host, port: 0, listening })
      .pipe(
        secureEach(
          server,
          (connection) => {
            const end = new CoreEnd(connection);
            accepted.give(end);
            return end.ended;
          },
          { failed: ({ error }) => accepted.fail(error) },
        ),
      )
      .subscribe({ error: reject });
  });
  return {
    ...sessions,
    async open(resume) {
      const theirs = accepted.take();
      const { end, over } = await coreClient(
        connect({ host, port }).pipe(secure(resume ? resumingClient : fullClient)),
      );
      const serverEnd = await theirs;
      return {
        client: end,
        server: serverEnd,
        resumed: end.resumed,
        close: async () => {
          end.close();
          await Promise.all([over, serverEnd.ended]);
        },
      };
    },
  };
}
