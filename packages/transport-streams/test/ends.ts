// Engines, servers and small tools of these tests.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createRelay, connect as dialPort, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ByteDuplex, type EngineSource, secure, secureEach, type TlsConnection } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { testPki } from '@rxtls/testing';
import { connect, type ListeningAddress, listen } from '@rxtls/transport-tcp';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { firstValueFrom, Observable, ReplaySubject, Subject } from 'rxjs';
import type { Test } from 'tap';

export const host = '127.0.0.1';
export const mebibyte = 1_048_576;
export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const pki = await testPki();
const leaf = await pki.leaf('ecdsa');
export const credentials = { cert: leaf.certificatePem, key: leaf.keyPem };
const trust = { serverName: 'localhost', ca: pki.authorityPem };

export interface Engines {
  readonly client: EngineSource<'client'>;
  readonly server: EngineSource<'server'>;
}

export const engines: Readonly<Record<'nodeEngine' | 'tls13Engine', Engines>> = {
  nodeEngine: { client: nodeEngine.client(trust), server: nodeEngine.server({ credentials }) },
  tls13Engine: { client: tls13Engine.client(trust), server: tls13Engine.server({ credentials }) },
};

/** Bytes that differ from their neighbours, the same for the same length. */
export function pattern(length: number, start = 0): Buffer {
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; at++) bytes[at] = (Math.imul(start + at, 0x9e3779b1) >>> 13) & 0xff;
  return bytes;
}

/** Waits until something holds. */
export async function until(holds: () => boolean, what: string, milliseconds = 10_000): Promise<void> {
  for (const end = Date.now() + milliseconds; !holds(); await sleep(1))
    if (Date.now() > end) throw new Error(`never within ${milliseconds} ms: ${what}`);
}

/** Waits until a number has stopped to change; what it is then. */
export async function settled(value: () => number, quiet = 150): Promise<number> {
  for (let before = Number.NaN; before !== value(); await sleep(quiet)) before = value();
  return value();
}

/** Subscribes for as long as the test runs: the first value, and what it ended with. */
export function held<T>(t: Test, source: Observable<T>) {
  const first = new ReplaySubject<T>(1);
  const log: { ended: 'no' | 'complete' | 'error'; error: any } = { ended: 'no', error: undefined };
  const subscription = source.subscribe({
    next: (value) => first.next(value),
    error: (error: unknown) => {
      Object.assign(log, { ended: 'error', error });
      first.error(error);
    },
    complete: () => {
      log.ended = 'complete';
      first.complete();
    },
  });
  t.teardown(() => subscription.unsubscribe());
  const value = firstValueFrom(first);
  value.catch(() => undefined); // whoever waits for it hears it
  return { value, log, subscription };
}

/** Node's own https server; `open` are the TCP connections below its TLS. */
export async function httpsServer(t: Test, answer: RequestListener) {
  const server = createServer(credentials, answer);
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined); // told by the client's side of each test
  });
  server.on('tlsClientError', () => undefined); // the same
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, open: () => sockets.size, connections: () => connections };
}

/**
 * A wire to a server that can be cut at any moment, by FIN or by RST, for both of its ends at once. A server's own sockets are not cut
 * below its TLS: Node 20 then waits without end when the process exits, whoever its client is.
 */
export async function cuttable(t: Test, port: number) {
  const sockets = new Set<Socket>();
  const relay = createRelay((here) => {
    const there = dialPort(port, host);
    for (const [socket, other] of [
      [here, there],
      [there, here],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined); // both ends see it
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  relay.listen(0, host);
  await once(relay, 'listening');
  const cut = (byReset: boolean): void => {
    for (const socket of sockets)
      if (byReset && !socket.destroyed) socket.resetAndDestroy();
      else socket.destroy();
  };
  t.teardown(() => {
    cut(false);
    relay.close();
  });
  return { port: (relay.address() as AddressInfo).port, cut, open: () => sockets.size };
}

/** A connection of ours to a port of this machine. */
export const dial = (port: number, { client }: Engines): Observable<TlsConnection> =>
  connect({ host, port }).pipe(secure(client));

/** A listener of ours; each connection lives until the stream made of it is closed. */
export async function serve(t: Test, { server }: Engines, each: (stream: Duplex, connection: TlsConnection) => void) {
  const address = new Subject<ListeningAddress>();
  const listening = firstValueFrom(address);
  const failures: unknown[] = [];
  const subscription = listen({ port: 0, host, listening: (at) => address.next(at) })
    .pipe(
      secureEach(
        server,
        (connection) =>
          new Observable((subscriber) => {
            const stream = toNodeDuplex(connection);
            stream.on('close', () => subscriber.complete());
            each(stream, connection);
          }),
        { failed: ({ error }) => failures.push(error) },
      ),
    )
    .subscribe();
  t.teardown(() => subscription.unsubscribe());
  return { port: (await listening).port, failures, stop: () => subscription.unsubscribe() };
}

/** Writes zeros as long as there is demand: how many in all, and how to stop. */
export function pour(sink: ByteDuplex['sink'], chunk = 64 * 1024) {
  const state = { written: 0, room: 0, isBusy: false };
  const subscription = sink.demand.subscribe({
    next: (demand) => {
      state.room = demand;
      if (state.isBusy) return;
      state.isBusy = true;
      while (state.room > 0) {
        const size = Math.min(chunk, state.room);
        state.written += size;
        sink.write(new Uint8Array(size));
      }
      state.isBusy = false;
    },
    error: () => undefined, // the test ends the connection
  });
  return { written: () => state.written, stop: () => subscription.unsubscribe() };
}
