import type { TlsOptions } from 'node:tls';
import type { TlsEngineFactory } from '@rxtls/core';
import { forgeEngine } from '@rxtls/engine-forge';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';
import { UsageError } from './usage-error.ts';

/** Whom a client wants to meet. */
export interface Identity {
  readonly serverName: string;
  readonly port?: number;
  /** The authorities to trust; absent: the runtime's roots, for an engine that knows them. */
  readonly ca?: string | Uint8Array;
  readonly alpnProtocols?: readonly string[];
}

/** An engine, and what there is to know before it meets a server. */
export interface Engine {
  /** @throws UsageError, ApiMisuseError */
  readonly client: (identity: Identity) => TlsEngineFactory<'client'>;
  /** Offers application protocols. */
  readonly hasAlpn: boolean;
  /** Printed above everything else. */
  readonly warning?: string;
  /** What `node:tls` has to be told to meet it, and the keys it can read. */
  readonly server: Pick<TlsOptions, 'minVersion' | 'ciphers'>;
  readonly keys: 'ecdsa' | 'rsa';
}

/** What `--engine` chooses from. Nothing outside this table knows which engines there are. */
const engines: { readonly [name: string]: Engine } = {
  node: {
    client: (identity) => nodeEngine.client(identity),
    hasAlpn: true,
    server: { minVersion: 'TLSv1.3' },
    keys: 'ecdsa',
  },
  tls13: {
    client: (identity) => tls13Engine.client(identity),
    hasAlpn: true,
    server: { minVersion: 'TLSv1.3' },
    keys: 'ecdsa',
  },
  forge: {
    client: ({ ca, ...identity }) => {
      if (ca === undefined) throw new UsageError('--engine forge knows no authorities of its own: it needs --ca FILE');
      return forgeEngine.client({ dangerouslyAllowLegacyVersions: true, ca, ...identity });
    },
    hasAlpn: false,
    warning: 'LEGACY ENGINE: forge speaks TLS 1.0 and 1.1, which are weak and forbidden by RFC 8996',
    server: { minVersion: 'TLSv1.1', ciphers: 'AES128-SHA:@SECLEVEL=0' },
    keys: 'rsa',
  },
};

export const engineNames: readonly string[] = Object.keys(engines);

/** @throws UsageError for a name that no engine has */
export function engineNamed(name: string): Engine {
  const engine = Object.hasOwn(engines, name) ? engines[name] : undefined;
  if (engine !== undefined) return engine;
  throw new UsageError(
    `--engine ${JSON.stringify(name)}: there is no such engine; there are ${engineNames.join(', ')}`,
  );
}
