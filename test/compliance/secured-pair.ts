import { type ByteDuplex, type EngineSource, secure, type SecureOptions, type TlsConnection } from '@rxtls/core';
import type { TransportPair } from '@rxtls/testing';
import { type Observable, Subscription } from 'rxjs';

export interface Engines {
  readonly client: EngineSource<'client'>;
  readonly server: EngineSource<'server'>;
}

/**
 * `halfOpen`: as with any transport, the other direction goes on until it is ended too. The queue's bound: a connection takes
 * what is written past demand up to its limits (rule 3), and the suite writes three times its demand.
 */
const options: SecureOptions = {
  halfOpen: true,
  limits: { maxQueuedBytes: 4 * 1024 * 1024, maxQueuedWrites: 100_000 },
};

/** Both ends of a TLS connection, each of them a transport again. */
export async function secured(
  { client, server }: Engines,
  toServer: Observable<ByteDuplex>,
  toClient: Observable<ByteDuplex>,
): Promise<TransportPair> {
  const all = new Subscription();
  const open = (transport: Observable<ByteDuplex>, engine: EngineSource<'client'> | EngineSource<'server'>) =>
    new Promise<TlsConnection>((resolve, reject) =>
      // A connection's end is told by its own streams; the suite asks there.
      all.add(transport.pipe(secure(engine, options)).subscribe({ next: resolve, error: reject })),
    );
  const [a, b] = await Promise.all([open(toServer, client), open(toClient, server)]);
  return { a, b, close: () => all.unsubscribe() };
}
