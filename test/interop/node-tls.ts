import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import type { Test } from 'tap';
import { credentials, host, only, pki } from './ends.ts';
import type { ClientPeer, ClientSetup, ServerPeer } from './peer.ts';

/** What a socket of Node's received. */
class Received {
  readonly chunks: Buffer[] = [];
  ended = false;
  error: Error | undefined;
  readonly over: Promise<void>;
  #wake: () => void = () => undefined;

  constructor(socket: TLSSocket) {
    this.over = new Promise((resolve) => {
      const settle = (): void => {
        resolve();
        this.#wake();
      };
      socket.on('data', (bytes: Buffer) => {
        this.chunks.push(bytes);
        this.#wake();
      });
      socket.on('end', () => {
        this.ended = true;
        settle();
      });
      socket.on('error', (error) => {
        this.error = error;
        settle();
      });
      socket.on('close', settle);
    });
  }

  async atLeast(length: number): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.chunks);
      if (all.length >= length || this.ended || this.error !== undefined) return all;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Node shows close_notify as 'end'; a reset is an error. */
  async closed(): Promise<void> {
    await this.over;
    if (!this.ended) throw this.error ?? new Error('closed without an end');
  }
}

export const nodeServer: ServerPeer = {
  name: 'node:tls server',
  async start(t, setup) {
    const sockets: TLSSocket[] = [];
    const server = tls.createServer({
      ...credentials(await pki.leaf(setup.leaf)),
      ...only(setup.version),
      ...(setup.alpn === undefined ? {} : { ALPNProtocols: [setup.alpn] }),
      ...(setup.requireClient === true ? { ca: pki.authorityPem, requestCert: true, rejectUnauthorized: true } : {}),
    });
    let accept: (received: Received) => void = () => undefined;
    const accepted = new Promise<Received>((resolve) => {
      accept = resolve;
    });
    server.on('tlsClientError', () => undefined);
    server.on('secureConnection', (socket) => {
      sockets.push(socket);
      accept(new Received(socket));
      if (setup.http !== true) return;
      socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\nnode'));
    });
    server.listen(0, host);
    await once(server, 'listening');
    t.teardown(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return {
      port: (server.address() as AddressInfo).port,
      // A client of TLS 1.3 is through before its server is.
      send: (bytes) => void accepted.then(() => sockets[0]?.write(bytes)),
      received: async (length) => (await accepted).atLeast(length),
      kill: () => {
        for (const socket of sockets) socket.destroy();
      },
      sawClose: async () => (await accepted).closed(),
    };
  },
};

async function nodeConnect(t: Test, port: number, setup: ClientSetup, session?: Buffer): Promise<TLSSocket> {
  const socket = tls.connect({
    host,
    port,
    servername: 'localhost',
    ca: pki.authorityPem,
    ...only(setup.version),
    ...(setup.alpn === undefined ? {} : { ALPNProtocols: [setup.alpn] }),
    ...(setup.leaf === undefined ? {} : credentials(await pki.leaf(setup.leaf))),
    ...(session === undefined ? {} : { session }),
  });
  t.teardown(() => socket.destroy());
  return socket;
}

export const nodeClient: ClientPeer = {
  name: 'node:tls client',
  async start(t, port, setup) {
    const socket = await nodeConnect(t, port, setup);
    const received = new Received(socket);
    return {
      send: (bytes) => void socket.write(bytes),
      received: (length) => received.atLeast(length),
      close: () => socket.end(),
      kill: () => socket.destroy(),
      sawClose: () => received.closed(),
    };
  },
  async resume(t, port, setup, served) {
    let session: Buffer | undefined;
    for (let round = 0; round < 2; round++) {
      const socket = await nodeConnect(t, port, setup, session);
      const received = new Received(socket);
      socket.on('session', (fresh) => {
        session = fresh;
      });
      await received.atLeast(5);
      socket.end();
      await received.over;
      await served();
    }
  },
};
