import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { testPki } from '@rxtls/testing';
import { clientEngine, type EngineName } from './engines.ts';
import type { Journey } from './journey.ts';
import { proxyServer } from './proxy-server.ts';

export interface Demonstration {
  /** One that arrives. */
  readonly journey: Journey;
  /** And others that must not, by what is wrong with them. */
  readonly refused: Readonly<Record<string, Journey>>;
  stop(): void;
}

/** A proxy and an origin of our own on loopback; the two have nothing in common, not even an authority. */
export async function demonstration(engine: EngineName): Promise<Demonstration> {
  const [forProxy, forOrigin] = [await testPki(), await testPki()];
  const proxyLeaf = await forProxy.issue({ names: ['proxy.test'] });
  const originLeaf = await forOrigin.issue({ names: ['origin.test'] });

  const origin = createServer(
    { cert: originLeaf.certificatePem, key: originLeaf.keyPem, ciphers: 'TLS_CHACHA20_POLY1305_SHA256' },
    (request, response) => response.end(`hello from ${request.headers.host?.split(':')[0]}\n`),
  );
  await new Promise<void>((resolve, reject) => {
    origin.once('error', reject);
    origin.listen(0, '127.0.0.1', resolve);
  });
  const { port } = origin.address() as AddressInfo;

  const credentials = { user: 'traveller', password: 'open sesame' };
  const { certificatePem: cert, keyPem: key } = proxyLeaf;
  const proxy = await proxyServer({ cert, key, ...credentials, names: ['origin.test', 'other.test'] });

  const byProxy = (serverName: string) => clientEngine(engine, { serverName, ca: forProxy.authorityPem });
  const byOrigin = (serverName: string) => clientEngine(engine, { serverName, ca: forOrigin.authorityPem });
  const journey: Journey = {
    proxy: { host: '127.0.0.1', port: proxy.port },
    outer: byProxy('proxy.test'),
    credentials,
    target: `origin.test:${port}`,
    path: '/',
    inner: byOrigin('origin.test'),
  };
  return {
    journey,
    refused: {
      'a wrong password': { ...journey, credentials: { ...credentials, password: 'open barley' } },
      'a target that the proxy forbids': { ...journey, target: `forbidden.test:${port}` },
      'a target where nobody listens': { ...journey, target: 'origin.test:1' },
      'an origin by another name': { ...journey, target: `other.test:${port}`, inner: byOrigin('other.test') },
      'an origin that the authority of the proxy speaks for': { ...journey, inner: byProxy('origin.test') },
      'a proxy by another name': { ...journey, outer: byProxy('other.test') },
    },
    stop: () => {
      proxy.close();
      origin.close();
    },
  };
}
