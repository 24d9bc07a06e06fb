// A TlsConnection is a ByteDuplex, so that TLS runs over TLS: what every transport promises, a connection promises too.
import type { ByteDuplex } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { placeboEngine, testPki, type TransportPair, transportCompliance } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import { connect, listen } from '@rxtls/transport-tcp';
import { concat, NEVER, of, Subject, take } from 'rxjs';
import t from 'tap';
import { type Engines, secured } from './secured-pair.ts';

t.setTimeout(180_000);

const pki = await testPki();
const { certificatePem, keyPem } = await pki.leaf('ecdsa');
const node: Engines = {
  client: nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem, sessions: 'none' }),
  server: nodeEngine.server({ credentials: { cert: certificatePem, key: keyPem } }),
};
const placebo: Engines = { client: placeboEngine.client(), server: placeboEngine.server() };

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
