import { Agent } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TlsConnection } from '@rxtls/core';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import type { Observable } from 'rxjs';

/** Keeps one connection of rxtls for Node's http: each that it needs is one subscription, and `destroy()` ends it. */
export class ConnectionAgent extends Agent {
  readonly #connections: Observable<TlsConnection>;

  constructor(connections: Observable<TlsConnection>) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#connections = connections;
  }

  override createConnection(): Duplex {
    return toNodeDuplex(this.#connections);
  }
}
