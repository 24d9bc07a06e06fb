import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { TlsConnection } from '@rxtls/core';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { EMPTY, Observable } from 'rxjs';

const timeouts = {
  headersTimeout: 3_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 500,
};

/** Of errors that are not the default, 400. */
const statuses: { readonly [code: string]: number } = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 };

/** Node's http server, which is given its connections and never listens. */
export class GivenServer {
  readonly #server: Server;
  /** What is open, and how many answers each owes. */
  readonly #owed = new Map<Duplex, number>();
  #isRetired = false;
  #connections = 0;

  constructor(application: RequestListener) {
    this.#server = createServer(timeouts);
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => this.#asked(request, response));
    this.#server.on('request', application);
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refused(error, socket));
    // Node keeps headersTimeout and requestTimeout from this event on; without it they are not kept at all.
    this.#server.emit('listening');
  }

  /** All there have been. */
  get connections(): number {
    return this.#connections;
  }

  /** Serves one connection; completes when its socket is closed. */
  serve(connection: TlsConnection): Observable<never> {
    if (this.#isRetired) return EMPTY;
    return new Observable((subscriber) => {
      this.#connections++;
      const socket = toNodeDuplex(connection);
      this.#owed.set(socket, 0);
      socket.once('close', () => {
        this.#owed.delete(socket);
        this.#closeWhenEmpty();
        subscriber.complete();
      });
      this.#server.emit('connection', socket);
    });
  }

  /** Connections that owe no answer are closed now, the others after it; nothing that was asked is left unanswered. */
  retire(): void {
    this.#isRetired = true;
    for (const [socket, owed] of this.#owed) if (owed === 0) ended(socket);
    this.#closeWhenEmpty();
  }

  /** Not before: it would cut who is idle, without a close_notify. */
  #closeWhenEmpty(): void {
    if (this.#isRetired && this.#owed.size === 0) this.#server.close();
  }

  #asked({ socket }: IncomingMessage, response: ServerResponse): void {
    // In front of the application, which may answer within its call.
    if (this.#isRetired) response.setHeader('connection', 'close');
    this.#owed.set(socket, (this.#owed.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const owed = (this.#owed.get(socket) ?? 1) - 1;
      if (this.#owed.has(socket)) this.#owed.set(socket, owed);
      if (this.#isRetired && owed === 0) ended(socket);
    });
  }

  /** Node by itself would write and destroy, and `destroy` is a cut that what was written does not survive. */
  #refused(error: NodeJS.ErrnoException, socket: Duplex): void {
    const status = statuses[error.code ?? ''] ?? 400;
    const isAnswering = (this.#owed.get(socket) ?? 0) > 0; // and nothing may come into the middle of that
    if (isAnswering || !socket.writable) socket.destroy(error);
    else ended(socket, `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`);
  }
}

/** What was written goes out, with close_notify behind it; what Node has ended already it destroys itself. */
function ended(socket: Duplex, last?: string): void {
  if (!socket.writableEnded) socket.end(last, () => socket.destroy());
}
