import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import type { TestCredentials } from '@rxtls/testing';

export interface Peer {
  readonly port: number;
  readonly at: string;
  close(): void;
}

/** Listens on loopback. */
export async function listening(server: Server, host = '127.0.0.1'): Promise<Peer> {
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, at: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`, close: () => server.close() };
}

/** A server by Node alone, nothing of rxtls in it. */
export function tlsPeer(
  { certificatePem: cert, keyPem: key }: TestCredentials,
  serve: (socket: TLSSocket) => void,
  options: TlsOptions & { readonly host?: string } = {},
): Promise<Peer> {
  const server = createServer({ cert, key, ...options }, (socket) => {
    socket.on('error', () => socket.destroy());
    serve(socket);
  });
  server.on('tlsClientError', () => undefined);
  return listening(server, options.host);
}

export const echo = (socket: TLSSocket): void => void socket.pipe(socket);
