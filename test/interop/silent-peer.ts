// Peers for the tests of bounds: node:tls servers that read nothing until they are told, or send a lot.
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { credentials, host, mebibyte, only, pki, type Version } from './ends.ts';

export interface QuietPeer {
  readonly port: number;
  readonly socket: Promise<TLSSocket>;
  /** Bytes of plaintext it has read. */
  readonly received: () => number;
  readonly stop: () => void;
}

/** Does the handshake and reads nothing: `resume()` its socket to go on. */
export async function quietPeer(
  version: Version,
  connected: (socket: TLSSocket) => void = () => undefined,
): Promise<QuietPeer> {
  const sockets: TLSSocket[] = [];
  let received = 0;
  const server = tls.createServer({ ...credentials(await pki.leaf('ecdsa')), ...only(version) });
  server.on('tlsClientError', () => undefined);
  const socket = new Promise<TLSSocket>((resolve) => {
    server.on('secureConnection', (accepted) => {
      sockets.push(accepted);
      accepted.on('error', () => undefined);
      accepted.on('data', (bytes: Buffer) => {
        received += bytes.length;
      });
      accepted.pause();
      resolve(accepted);
      connected(accepted);
    });
  });
  server.listen(0, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    socket,
    received: () => received,
    stop: () => {
      for (const each of sockets) each.destroy();
      server.close();
    },
  };
}

/** Writes that many MiB as fast as its client takes them. */
export function pour(socket: TLSSocket, mebibytes: number): void {
  const chunk = Buffer.alloc(mebibyte, 'rxtls ');
  let left = mebibytes;
  const more = (): void => {
    while (left > 0) {
      left--;
      if (socket.write(chunk)) continue;
      socket.once('drain', more);
      return;
    }
    socket.end();
  };
  more();
}
