import type { TlsEngineFactory } from '@rxtls/core/engine';
import {
  type Tls13ClientOptions,
  type Tls13Engine,
  tls13Engine,
  type Tls13ServerOptions,
} from '@rxtls/engine-tls13/node';
import type { TestLeafName } from '@rxtls/testing';
import { credentials, type OurEngine, pki } from './ends.ts';

export const tls13Client = (
  options: Partial<Tls13ClientOptions> = {},
  engine: Tls13Engine = tls13Engine,
): TlsEngineFactory<'client'> => engine.client({ serverName: 'localhost', ca: pki.authorityPem, ...options });

export const tls13Server = async (
  leaf: TestLeafName,
  options: Partial<Tls13ServerOptions> = {},
  engine: Tls13Engine = tls13Engine,
): Promise<TlsEngineFactory<'server'>> => engine.server({ credentials: credentials(await pki.leaf(leaf)), ...options });

/** engine-tls13 on a provider, for the tests that are the same for every engine. */
export const ourTls13 = (name: string, engine: Tls13Engine): OurEngine => ({
  name,
  versions: ['TLSv1.3'],
  client: (_version, options) => tls13Client(options as Partial<Tls13ClientOptions>, engine),
  server: (leaf, options) => tls13Server(leaf, options as Partial<Tls13ServerOptions>, engine),
});
