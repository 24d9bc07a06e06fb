// A TlsConnection is a ByteDuplex, so that TLS runs over TLS: what every transport promises, a connection promises too.
import { type ByteDuplex, type EngineSource, secure, type SecureOptions, type TlsConnection } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { placeboEngine, testPki, type TransportPair, transportCompliance } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import { connect, listen } from '@rxtls/transport-tcp';
import { concat, NEVER, type Observable, of, Subject, Subscription, take } from 'rxjs';
import t from 'tap';

t.setTimeout(180_000);

interface Engines {
  readonly client: EngineSource<'client'>;
  readonly server: EngineSource<'server'>;
}

const pki = await testPki();
const { certificatePem, keyPem } = await pki.leaf('ecdsa');
const node: Engines = {
  client: nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem, sessions: 'none' }),
  server: nodeEngine.server({ credentials: { cert: certificatePem, key: keyPem } }),
};
const placebo: Engines = { client: placeboEngine.client(), server: placeboEngine.server() };

/**
 * `halfOpen`: as with any transport, the other direction goes on until it is ended too. The queue's bound: a connection takes
 * what is written past demand up to its limits (rule 3), and the suite writes three times its demand.
 */
const options: SecureOptions = {
  halfOpen: true,
  limits: { maxQueuedBytes: 4 * 1024 * 1024, maxQueuedWrites: 100_000 },
};

async function secured(
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

function overMemory(engines: Engines): Promise<TransportPair> {
  const [a, b] = memoryPair();
  return secured(engines, concat(of(a), NEVER), concat(of(b), NEVER));
}

function overTcp(engines: Engines): Promise<TransportPair> {
  return new Promise((resolve, reject) => {
    const accepted = new Subject<ByteDuplex>();
    const listening = (address: { port: number }): void => {
      const toServer = connect({ host: '127.0.0.1', port: address.port });
      secured(engines, toServer, concat(accepted.pipe(take(1)), NEVER)).then(
        (pair) =>
          resolve({
            a: pair.a,
            b: pair.b,
            close: () => {
              void pair.close();
              listener.unsubscribe();
            },
          }),
        reject,
      );
    };
    const listener = listen({ port: 0, host: '127.0.0.1', listening }).subscribe(accepted);
  });
}

for (const [name, engines] of Object.entries({ placebo, node })) {
  t.test(`${name} over memory`, (t) => {
    for (const promise of transportCompliance({ pair: () => overMemory(engines), timeout: 5_000 }))
      t.test(promise.name, () => promise.run());
    t.end();
  });
}

t.test('node over TCP', (t) => {
  for (const promise of transportCompliance({ pair: () => overTcp(node), timeout: 5_000 }))
    t.test(promise.name, () => promise.run());
  t.end();
});
