import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import type { Backend } from '../routes.ts';

/** A plain TCP server that says its name, and sends back what it is sent. */
export interface EchoBackend {
  readonly server: Server;
  readonly at: Backend;
}

export async function echoBackend(name: string): Promise<EchoBackend> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined); // the terminator tells
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, at: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } };
}
