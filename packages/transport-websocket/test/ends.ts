import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import type { TlsError } from '@rxtls/core';
import { connectWebSocket, type WebSocketByteDuplex, type WebSocketConnectOptions } from '@rxtls/transport-websocket';
import { listenWebSocket, type WebSocketAddress, type WebSocketPortOptions } from '@rxtls/transport-websocket/node';
import type { Subscription } from 'rxjs';
import type { Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';

export const host = '127.0.0.1';
export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Looks again every millisecond, for 5 s. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (const late = Date.now() + 5_000; !condition(); await sleep(1)) {
    if (Date.now() > late) throw new Error(`never happened: ${what}`);
  }
}

/** What came of a connection, in order. */
export interface Observed {
  readonly events: string[];
  duplex: WebSocketByteDuplex | undefined;
  error: TlsError | undefined;
  readonly subscription: Subscription;
  /** The duplex, once connected. */
  connected(): Promise<WebSocketByteDuplex>;
  /** The observable has ended. */
  over(): Promise<void>;
}

/** Connects, with `ws` unless the options say otherwise, and remembers everything. */
export function observed(t: Test, options: WebSocketConnectOptions): Observed {
  const seen: { duplex: WebSocketByteDuplex | undefined; error: TlsError | undefined } = {
    duplex: undefined,
    error: undefined,
  };
  const events: string[] = [];
  const subscription = connectWebSocket({ WebSocket, ...options }).subscribe({
    next: (duplex) => {
      seen.duplex = duplex;
      events.push('next');
    },
    error: (error: TlsError) => {
      seen.error = error;
      events.push('error');
    },
    complete: () => events.push('complete'),
  });
  t.teardown(() => {
    subscription.unsubscribe();
    seen.duplex?.sink.abort();
  });
  return Object.assign(seen, {
    events,
    subscription,
    connected: async () => {
      await until(() => events.length > 0, 'a connection');
      if (!seen.duplex) throw seen.error ?? new Error('no connection');
      return seen.duplex;
    },
    over: () => until(() => events.includes('error') || events.includes('complete'), 'the end of the observable'),
  });
}

/** What a duplex has said of itself, from the start of the watch. */
export function watched({ source, sink }: WebSocketByteDuplex, credit = Number.POSITIVE_INFINITY) {
  const log = {
    bytes: [] as Buffer[],
    ends: [] as string[],
    errors: [] as TlsError[],
    demand: Number.NaN,
    taken: Number.NaN,
    get text(): string {
      return Buffer.concat(this.bytes).toString('latin1');
    },
    get total(): number {
      return this.bytes.reduce((sum, { length }) => sum + length, 0);
    },
  };
  const ended = (what: string) => ({
    error: (error: TlsError) => {
      log.ends.push(`${what} error`);
      log.errors.push(error);
    },
    complete: () => log.ends.push(`${what} complete`),
  });
  sink.demand.subscribe({ next: (demand) => (log.demand = demand), ...ended('demand') });
  sink.taken.subscribe({ next: (taken) => (log.taken = taken), ...ended('taken') });
  if (credit > 0) source.request(credit);
  source.bytes.subscribe({ next: (bytes) => log.bytes.push(Buffer.from(bytes)), ...ended('bytes') });
  return log;
}

/** A listener of ours with what it has accepted. */
export async function listener(t: Test, options: Partial<WebSocketPortOptions> = {}) {
  const all: WebSocketByteDuplex[] = [];
  let address: WebSocketAddress | undefined;
  const subscription = listenWebSocket({ host, ...options, port: 0, listening: (at) => (address = at) }).subscribe(
    (duplex) => void all.push(duplex),
  );
  t.teardown(() => {
    subscription.unsubscribe();
    for (const { sink } of all) sink.abort();
  });
  await until(() => address !== undefined, 'a listener');
  const next = async (count = 1): Promise<WebSocketByteDuplex> => {
    await until(() => all.length >= count, `${count} accepted connections`);
    return all[count - 1]!;
  };
  return { ...address!, all, subscription, next };
}

/** A peer that rxtls has no part in: a server of `ws`. */
export async function plainServer(t: Test, each: (socket: WebSocket) => void = () => undefined) {
  const sockets: WebSocket[] = [];
  const server = new WebSocketServer({ port: 0, host });
  server.on('connection', (socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined); // faults are the test's own
    each(socket);
  });
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  return { url: `ws://${host}:${(server.address() as AddressInfo).port}/`, sockets };
}

/** A TCP server that is no WebSocket. */
export async function rawServer(t: Test, each: (socket: Socket) => void = () => undefined) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    each(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, url: `ws://${host}:${port}/`, sockets };
}

/** A TCP client, which has read what came so far. */
export async function rawClient(t: Test, port: number) {
  const socket = connectTcp({ host, port });
  const log = { text: '', isClosed: false };
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => (log.text += bytes.toString('latin1')));
  socket.on('close', () => (log.isClosed = true));
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return { socket, log };
}

/** A server that upgrades as RFC 6455 §4.2.2 says, and then sends these bytes and nothing else. */
export function upgradingServer(t: Test, bytes: Buffer, then: (socket: Socket) => void = () => undefined) {
  return rawServer(t, (socket) =>
    socket.once('data', (request) => {
      const key = /sec-websocket-key: (\S+)/i.exec(request.toString('latin1'))?.[1];
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const head = ['101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'].join('\r\n');
      socket.write(`HTTP/1.1 ${head}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.write(bytes, () => then(socket));
    }),
  );
}

export const upgradeRequest = (path = '/'): string =>
  `GET ${path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
