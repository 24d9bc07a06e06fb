// The other side: the npm package aedes over Node's own TLS. Nothing of rxtls is in it but the maker of its certificate.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { testPki } from '@rxtls/testing';
import { Aedes } from 'aedes';
import aedesPersistence from 'aedes-persistence';

export interface Broker {
  readonly port: number;
  /** The authority its certificate for `localhost` comes from, as PEM. */
  readonly authority: string;
  /** Cuts every connection and listens no more. */
  kill(): void;
  /** Starts again, on the same port. */
  start(): Promise<void>;
}

/** Its types tell of the function as `default`, which an import of CommonJS is already. */
const memory = aedesPersistence as unknown as typeof aedesPersistence.default;

/** A broker that can be killed. What another one keeps on its disk outlives that: sessions of MQTT, and the keys of TLS's tickets. */
export async function broker(): Promise<Broker> {
  const pki = await testPki();
  const { certificatePem: cert, keyPem: key } = await pki.leaf('ecdsa');
  const persistence = memory();
  const ticketKeys = randomBytes(48);
  let stop: () => void = () => undefined;

  const start = async (port: number): Promise<Server> => {
    const aedes = await Aedes.createBroker({ persistence });
    const sockets = new Set<Socket>(); // those of TLS, and below them, where a handshake may not be done
    const keep = (socket: Socket): void => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    };
    const server = createServer({ cert, key, ticketKeys }, (socket) => {
      keep(socket);
      socket.on('error', () => socket.destroy()); // cut by the client
      aedes.handle(socket);
    });
    server.on('connection', keep);
    server.on('tlsClientError', () => undefined); // the client tells
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    stop = () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      aedes.close();
    };
    return server;
  };

  const { port } = (await start(0)).address() as AddressInfo;
  return { port, authority: pki.authorityPem, kill: () => stop(), start: async () => void (await start(port)) };
}
