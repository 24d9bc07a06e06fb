// TLS over WebSockets: our engines, both ends, over real sockets of ws and of a standard WebSocket.
import { createHash, randomBytes } from 'node:crypto';
import { secure, secureEach, type TlsConnection, type TlsError } from '@rxtls/core';
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';
import { connectWebSocket, type WebSocketConstructor } from '@rxtls/transport-websocket';
import { listenWebSocket } from '@rxtls/transport-websocket/node';
import { NEVER, type ObservableInput, of, concat, merge, type Observable, pipe } from 'rxjs';
import t, { type Test } from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { credentials, eventually, host, mebibyte, pki, Reading, sleep } from './ends.ts';

const own = credentials(await pki.leaf('ecdsa'));
const engines = {
  nodeEngine: {
    client: nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem }),
    server: nodeEngine.server({ credentials: own }),
  },
  tls13Engine: {
    client: tls13Engine.client({ serverName: 'localhost', ca: pki.authorityPem }),
    server: tls13Engine.server({ credentials: own }),
  },
};

/** `ws` without what the standard has not. */
class StandardOnly {
  readonly #socket: WebSocket;
  constructor(url: string, protocols: string[], options?: object) {
    this.#socket = new WebSocket(url, protocols, options);
  }
  get binaryType(): string {
    return this.#socket.binaryType;
  }
  set binaryType(type: 'arraybuffer') {
    this.#socket.binaryType = type;
  }
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }
  get protocol(): string {
    return this.#socket.protocol;
  }
  get readyState(): number {
    return this.#socket.readyState;
  }
  addEventListener(type: 'message', listener: (event: never) => void): void {
    this.#socket.addEventListener(type, listener as () => void);
  }
  send(data: Uint8Array): void {
    this.#socket.send(data);
  }
  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }
}
const classes: Record<string, WebSocketConstructor> = {
  ws: WebSocket,
  'a standard WebSocket': StandardOnly as unknown as WebSocketConstructor,
};

/** Listens with that engine and gives the URL. */
function served(
  t: Test,
  engine: TlsEngineFactory<'server'>,
  project: (connection: TlsConnection) => ObservableInput<unknown>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const subscription = listenWebSocket({ port: 0, host, listening: ({ url }) => resolve(url) })
      .pipe(secureEach(engine, project))
      .subscribe({ error: reject });
    t.teardown(() => subscription.unsubscribe());
  });
}

/** A client's connection, and the end of its observable. */
async function dialled(t: Test, connection: Observable<TlsConnection>) {
  const seen: { end: 'complete' | TlsError | undefined } = { end: undefined };
  const opened = await new Promise<TlsConnection>((resolve, reject) => {
    const subscription = connection.subscribe({
      next: resolve,
      error: (error: TlsError) => {
        seen.end = error;
        reject(error);
      },
      complete: () => (seen.end = 'complete'),
    });
    t.teardown(() => subscription.unsubscribe());
  });
  return { opened, seen, reading: new Reading(opened) };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const bytes = randomBytes(mebibyte);

for (const [engineName, { client, server }] of Object.entries(engines))
  for (const [className, Class] of Object.entries(classes))
    t.test(`${engineName} over ${className}: a handshake, a mebibyte there and back, a clean end`, async (t) => {
      const url = await served(t, server, (connection) => connection.writeFrom(connection.source));
      const { opened, seen, reading } = await dialled(
        t,
        connectWebSocket({ url, WebSocket: Class }).pipe(secure(client)),
      );
      t.equal(opened.negotiated.version, 'TLSv1.3');
      const written = new Promise((resolve, reject) =>
        opened.writeFrom([bytes]).subscribe({ complete: () => resolve(undefined), error: reject }),
      );
      const echoed = await reading.atLeast(mebibyte);
      t.equal(sha256(echoed), sha256(bytes));
      await written;
      opened.close().subscribe();
      t.ok(await eventually(() => seen.end !== undefined));
      t.equal(seen.end, 'complete');
      t.equal(await reading.over, 'complete');
    });

t.test('TLS in TLS over a WebSocket', async (t) => {
  const { client: outer, server: outerServer } = engines.tls13Engine;
  const { client: inner, server: innerServer } = engines.nodeEngine;
  const echo = pipe(secureEach(innerServer, (connection) => connection.writeFrom(connection.source)));
  const url = await served(t, outerServer, (connection) => concat(of(connection), NEVER).pipe(echo));
  const connection = connectWebSocket({ url, WebSocket }).pipe(secure(outer), secure(inner));
  const { opened, seen, reading } = await dialled(t, connection);
  merge(opened.writeFrom([bytes])).subscribe();
  t.equal(sha256(await reading.atLeast(mebibyte)), sha256(bytes));
  opened.close().subscribe();
  t.ok(await eventually(() => seen.end !== undefined));
  t.equal(seen.end, 'complete');
});

t.test('a WebSocket that closes in the middle of the handshake is no connection', async (t) => {
  for (const code of [1000, 1011]) {
    const server = new WebSocketServer({ port: 0, host });
    t.teardown(() => server.close());
    server.on('connection', (socket) =>
      socket.once('message', () => {
        socket.send(Buffer.from('16030300', 'hex'));
        socket.close(code);
      }),
    );
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as { port: number };
    for (const [name, { client }] of Object.entries(engines)) {
      const error = await new Promise<TlsError>((resolve, reject) =>
        connectWebSocket({ url: `ws://${host}:${port}/`, WebSocket })
          .pipe(secure(client))
          .subscribe({ error: resolve, next: reject, complete: () => reject(new Error('completed')) }),
      );
      t.equal(error.name, code === 1000 ? 'TruncationError' : 'AbortedError', `${name}, ${code}: ${error.message}`);
      t.equal(error.phase, 'handshake');
      t.equal(error.retryable, true);
    }
  }
});

t.test('a reader that stops, stops a TLS writer at the other end of a WebSocket', async (t) => {
  const { client, server } = engines.tls13Engine;
  const wanted = 64 * mebibyte;
  const chunk = new Uint8Array(65_536);
  let pulled = 0;
  const source = function* (): Generator<Uint8Array> {
    for (; pulled < wanted; pulled += chunk.length) yield chunk;
  };
  const url = await served(t, server, (connection) => connection.writeFrom(source()));
  const opened = await new Promise<TlsConnection>((resolve, reject) => {
    const subscription = connectWebSocket({ url, WebSocket })
      .pipe(secure(client))
      .subscribe({ next: resolve, error: reject });
    t.teardown(() => subscription.unsubscribe());
  });
  let read = 0;
  opened.source.request(1);
  opened.source.bytes.subscribe({ next: ({ length }) => (read += length), error: () => undefined });
  for (let before = -1; before !== pulled; await sleep(100)) before = pulled;
  t.ok(pulled < wanted / 2, `${pulled} bytes were pulled for a reader of ${read}: the rest is in the system's buffers`);
  opened.source.request(Number.POSITIVE_INFINITY);
  t.ok(await eventually(() => read > wanted / 2), 'and goes on when it reads');
});
