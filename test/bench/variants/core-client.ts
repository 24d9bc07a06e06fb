import type { TlsConnection } from '@rxtls/core';
import type { Observable } from 'rxjs';
import { CoreEnd } from './core-end.ts';
import { Handover } from './handover.ts';

export interface CoreClient {
  readonly end: CoreEnd;
  /** Settles when the connection is gone. */
  readonly over: Promise<void>;
}

/** Subscribes; resolves when the handshake is done. */
export async function coreClient(connections: Observable<TlsConnection>): Promise<CoreClient> {
  const opened = new Handover<CoreEnd>();
  const first = opened.take();
  const over = new Promise<void>((resolve, reject) => {
    connections.subscribe({
      next: (connection) => opened.give(new CoreEnd(connection)),
      complete: resolve,
      error: (error: unknown) => {
        opened.fail(error);
        reject(error as Error);
      },
    });
  });
  over.catch(() => undefined);
  return { end: await first, over };
}
