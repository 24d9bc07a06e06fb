// node:tls over a Duplex of one's own, for wires that are no socket: what people write by hand where rxtls has a transport.
// The wire is a socket here, so that the difference to node:tls over TCP is the relay.
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from 'node:net';
import { connect, createServer } from 'node:tls';
import type { Pki } from '../pki.ts';
import { Handover } from './handover.ts';
import { clientContext, TlsSessions, tlsOptions } from './node-tls-options.ts';
import { Relay } from './relay.ts';
import { host, serverName } from './setting.ts';
import { StreamEnd } from './stream-end.ts';
import { streamPair } from './stream-pair.ts';
import type { Variant } from './variant.ts';

export async function nodeTlsRelay({ p256 }: Pki): Promise<Variant> {
  const accepted = new Handover<StreamEnd>();
  const tlsServer = createServer({ ...tlsOptions, ...p256.credentials }, (socket) =>
    accepted.give(new StreamEnd(socket)),
  );
  const listener = createTcpServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
    tlsServer.emit('connection', new Relay(socket)),
  );
  listener.listen(0, host);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const secureContext = clientContext(p256);
  const sessions = new TlsSessions();
  return {
    async open(resume) {
      const theirs = accepted.take();
      const wire = connectTcp({ port, host, noDelay: true, allowHalfOpen: true });
      const ours = connect({
        socket: new Relay(wire),
        servername: serverName,
        secureContext,
        ...sessions.offer(resume),
      });
      if (resume) sessions.keepFrom(ours);
      await once(ours, 'secureConnect');
      return streamPair(new StreamEnd(ours), await theirs, ours.isSessionReused());
    },
  };
}
