// node:tls as one uses it, with what can be shared between connections shared.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { Pki } from '../pki.ts';
import { Handover } from './handover.ts';
import { clientContext, TlsSessions, tlsOptions } from './node-tls-options.ts';
import { host, serverName } from './setting.ts';
import { StreamEnd } from './stream-end.ts';
import { streamPair } from './stream-pair.ts';
import type { Variant } from './variant.ts';

export async function nodeTls({ p256 }: Pki): Promise<Variant> {
  const accepted = new Handover<StreamEnd>();
  const listener = createServer({ ...tlsOptions, noDelay: true, ...p256.credentials }, (socket) =>
    accepted.give(new StreamEnd(socket)),
  );
  listener.listen(0, host);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const secureContext = clientContext(p256);
  const sessions = new TlsSessions();
  return {
    async open(resume) {
      const theirs = accepted.take();
      const ours = connect({ port, host, servername: serverName, secureContext, ...sessions.offer(resume) });
      ours.setNoDelay(true);
      if (resume) sessions.keepFrom(ours);
      await once(ours, 'secureConnect');
      return streamPair(new StreamEnd(ours), await theirs, ours.isSessionReused());
    },
  };
}
