import type { WebSocketConstructor } from '@rxtls/transport-websocket';
import t, { type Test } from 'tap';
import { WebSocket as Undici } from 'undici';
import { WebSocket as Ws } from 'ws';
import {
  type TransportComplianceOptions,
  type TransportPair,
  transportCompliance,
} from '../../testing/src/transport-compliance.ts';
import { host } from './ends.ts';
import { connectWebSocket } from '@rxtls/transport-websocket';
import { listenWebSocket } from '@rxtls/transport-websocket/node';
import type { ByteDuplex } from '@rxtls/core';
import { firstValueFrom, ReplaySubject } from 'rxjs';

/** A connection over a real socket: `a` connected, `b` was accepted. */
async function socketPair(WebSocket: WebSocketConstructor): Promise<TransportPair> {
  const accepted = new ReplaySubject<ByteDuplex>();
  const connected = new ReplaySubject<ByteDuplex>();
  const url = new ReplaySubject<string>();
  const server = listenWebSocket({ port: 0, host, listening: (at) => url.next(at.url) }).subscribe(accepted);
  const client = connectWebSocket({ url: await firstValueFrom(url), WebSocket }).subscribe({
    next: (duplex) => connected.next(duplex),
    error: () => {}, // told by the duplex too, where the suite asks
  });
  const [a, b] = await Promise.all([firstValueFrom(connected), firstValueFrom(accepted)]);
  return {
    a,
    b,
    close: () => {
      client.unsubscribe();
      server.unsubscribe();
      a.sink.abort();
      b.sink.abort();
    },
  };
}

const swapped = async (pair: Promise<TransportPair>): Promise<TransportPair> => {
  const given = await pair;
  return { a: given.b, b: given.a, close: () => given.close() };
};

function suite(t: Test, options: TransportComplianceOptions): void {
  for (const promise of transportCompliance({ halfClose: false, ...options })) {
    t.test(promise.name, () => promise.run());
  }
  t.end();
}

t.test('ws at both ends', (t) => suite(t, { bound: 16 * 1024 * 1024, pair: () => socketPair(Ws) }));

// A standard WebSocket pushes: that end cannot hold its writer up, and is the reader in the second suite of each.
const standards: Record<string, WebSocketConstructor | undefined> = {
  'the WebSocket of undici': Undici,
  'the WebSocket of this runtime': Reflect.get(globalThis, 'WebSocket') as WebSocketConstructor | undefined,
};
for (const [name, WebSocket] of Object.entries(standards)) {
  const skip = WebSocket === undefined ? { skip: 'skipped: this Node has none' } : {};
  t.test(`${name} to a server of ws`, skip, (t) => suite(t, { pair: () => socketPair(WebSocket!) }));
  t.test(`a server of ws to ${name}`, skip, (t) =>
    suite(t, { backPressure: false, pair: () => swapped(socketPair(WebSocket!)) }),
  );
}
