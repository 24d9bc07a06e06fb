import type { TlsEngineFactory } from '@rxtls/core';
import { forgeEngine } from '@rxtls/engine-forge';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';
import { type TestPki, testPki } from '@rxtls/testing';
import { UsageError } from './usage-error.ts';

/** Two engines that can talk to each other. */
export interface EnginePair {
  readonly client: TlsEngineFactory<'client'>;
  readonly server: TlsEngineFactory<'server'>;
}

export const pairName = ({ client, server }: EnginePair): string =>
  `${client.capabilities.name}-${server.capabilities.name}`;

/** Every pair of the engines there are, or the one of that name. A new engine is its entries here. @throws UsageError */
export async function enginePairs(only?: string): Promise<readonly EnginePair[]> {
  const pki = await testPki({ keys: 'rsa' }); // the only keys that every engine reads
  const identity = { serverName: 'localhost', ca: pki.authorityPem };
  const legacy = { dangerouslyAllowLegacyVersions: true } as const;
  // What OpenSSL has to be told before it speaks to node-forge.
  const openssl = { ...legacy, ciphers: 'AES128-SHA:@SECLEVEL=0' };

  // A key each: one that serves an old version too endangers the newer one.
  const [modern, old, ofForge] = await Promise.all([newCredentials(pki), newCredentials(pki), newCredentials(pki)]);

  const node = {
    client: nodeEngine.client(identity),
    server: nodeEngine.server({ credentials: modern }),
  };
  const tls13 = {
    client: tls13Engine.client(identity),
    server: tls13Engine.server({ credentials: modern }),
  };
  const oldNode = {
    client: nodeEngine.client({ ...identity, ...openssl, minVersion: 'TLSv1', maxVersion: 'TLSv1' }),
    server: nodeEngine.server({ ...openssl, credentials: old, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }),
  };
  const forge = {
    client: forgeEngine.client({ ...legacy, ...identity }),
    server: forgeEngine.server({ ...legacy, credentials: ofForge, keysOfOtherEngines: [modern.cert, old.cert] }),
  };

  const pairs: readonly EnginePair[] = [
    { client: node.client, server: node.server },
    { client: tls13.client, server: tls13.server },
    { client: node.client, server: tls13.server },
    { client: tls13.client, server: node.server },
    { client: forge.client, server: forge.server },
    { client: oldNode.client, server: forge.server },
    { client: forge.client, server: oldNode.server },
  ];
  const chosen = pairs.filter((pair) => only === undefined || pairName(pair) === only);
  if (chosen.length > 0) return chosen;
  throw new UsageError(
    `--only ${JSON.stringify(only)}: there is no such pair; there are ${pairs.map(pairName).join(', ')}`,
  );
}

async function newCredentials(pki: TestPki): Promise<{ readonly cert: string; readonly key: string }> {
  const { certificatePem, keyPem } = await pki.issue();
  return { cert: certificatePem, key: keyPem };
}
