import type { ByteDuplex } from '@rxtls/core';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { testPki, type TransportPair } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import { connect, listen, type ListeningAddress } from '@rxtls/transport-tcp';
import { connectWebSocket } from '@rxtls/transport-websocket';
import { listenWebSocket } from '@rxtls/transport-websocket/node';
import { concat, NEVER, type Observable, of, ReplaySubject, take } from 'rxjs';
import { WebSocket } from 'ws';
import { channelEnds, duplexEnds, pairOf, portEnds, webEnds } from '../../packages/transport-streams/test/pairs.ts';
import { secured } from './secured-pair.ts';

const host = '127.0.0.1';
const kept = (duplex: ByteDuplex): Observable<ByteDuplex> => concat(of(duplex), NEVER);

/** Somebody who connects, and somebody who was listening. */
async function accepted<A>(
  listening: (told: (address: A) => void) => Observable<ByteDuplex>,
  connecting: (address: A) => Observable<ByteDuplex>,
): Promise<TransportPair> {
  const arrived = new ReplaySubject<ByteDuplex>(1);
  const [address, listener] = await new Promise<[A, { unsubscribe(): void }]>((resolve, reject) => {
    const subscription = listening((at) => queueMicrotask(() => resolve([at, subscription]))).subscribe({
      next: (duplex) => arrived.next(duplex),
      error: reject,
    });
  });
  const pair = await pairOf([connecting(address), concat(arrived.pipe(take(1)), NEVER)]);
  return {
    ...pair,
    close: () => {
      void pair.close();
      listener.unsubscribe();
      pair.b.sink.abort(); // nobody closes an accepted connection for whoever has it
    },
  };
}

async function inMemory(): Promise<TransportPair> {
  const [a, b] = memoryPair();
  return { a, b, close: () => a.sink.abort() };
}

const pki = await testPki();
const { certificatePem, keyPem } = await pki.leaf('ecdsa');
const outer = {
  client: tls13Engine.client({ serverName: 'localhost', ca: pki.authorityPem }),
  server: tls13Engine.server({ credentials: { cert: certificatePem, key: keyPem } }),
};

function inTls(): Promise<TransportPair> {
  const [a, b] = memoryPair();
  return secured(outer, kept(a), kept(b));
}

/** Every transport there is, by what a title calls it: a new one is its line here. `a` is the client's end. */
export const transports: Readonly<Record<string, () => Promise<TransportPair>>> = {
  memory: inMemory,
  TCP: () =>
    accepted<ListeningAddress>(
      (told) => listen({ port: 0, host, listening: told }),
      ({ port }) => connect({ host, port }),
    ),
  'a WebSocket': () =>
    accepted<{ url: string }>(
      (told) => listenWebSocket({ port: 0, host, listening: told }),
      ({ url }) => connectWebSocket({ url, WebSocket }),
    ),
  'WHATWG streams': () => pairOf(webEnds()),
  'a MessagePort': () => pairOf(portEnds()),
  'a data channel (a fake)': () => pairOf(channelEnds()),
  'a Node Duplex': () => pairOf(duplexEnds()),
  'TLS in TLS': inTls,
};
