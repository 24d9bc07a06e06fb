import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Pki } from '../pki.ts';
import { Handover } from './handover.ts';
import { ForgeEnd, forgeSessions, type ForgeWire } from './node-forge.ts';
import { host } from './setting.ts';
import type { Variant } from './variant.ts';

const wireOf = (socket: Socket): ForgeWire => ({
  write: (bytes) => socket.write(bytes),
  drained: () => once(socket, 'drain'),
  end: () => socket.end(),
});

export async function nodeForgeTcp({ rsa }: Pki): Promise<Variant> {
  const [sessionsOfClient, sessionsOfServer] = [forgeSessions(), forgeSessions()];
  let isResuming = false; // connections are opened one after the other
  const accepted = new Handover<ForgeEnd>();
  const listener = createServer({ noDelay: true }, (socket) => {
    const end = new ForgeEnd('server', rsa, wireOf(socket), isResuming ? sessionsOfServer : undefined);
    socket.on('data', (bytes: Buffer) => end.process(bytes));
    accepted.give(end);
  });
  listener.listen(0, host);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    async open(resume) {
      isResuming = resume;
      const theirs = accepted.take();
      const socket = connect({ port, host, noDelay: true });
      await once(socket, 'connect');
      const client = new ForgeEnd('client', rsa, wireOf(socket), resume ? sessionsOfClient : undefined);
      socket.on('data', (bytes: Buffer) => client.process(bytes));
      const server = await theirs;
      await Promise.all([client.opened, server.opened]);
      return {
        client,
        server,
        resumed: client.resumed,
        close: async () => {
          const gone = Promise.all([server.closed, once(socket, 'close')]);
          client.close();
          await gone;
        },
      };
    },
  };
}
