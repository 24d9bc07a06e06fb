import { secure, use } from '@rxtls/core';
import { type memorySessions, nodeEngine } from '@rxtls/engine-node';
import { connect } from '@rxtls/transport-tcp';
import { map, type Observable, reduce } from 'rxjs';

/** What a client keeps between connections. */
export type Sessions = ReturnType<typeof memorySessions>;

/** The port of all workers, or the Unix socket of one. */
export type Where = { readonly host: string; readonly port: number } | { readonly path: string };

/** What a client saw of one connection. */
export interface Visit {
  /** The number of the worker that answered. */
  readonly worker: number;
  readonly resumed: boolean;
}

/** Connects once, with what `sessions` has to offer; what the worker gives is kept there. */
export const visit = (where: Where, ca: string, sessions: Sessions): Observable<Visit> =>
  connect(where).pipe(
    secure(nodeEngine.client({ serverName: 'localhost', ca, sessions, minVersion: 'TLSv1.3' })),
    use((connection) =>
      connection.exchange([], { halfClose: true }).pipe(
        reduce((text, bytes) => text + Buffer.from(bytes).toString(), ''),
        map((text) => ({ worker: Number(text), resumed: connection.negotiated.resumed })),
      ),
    ),
  );
