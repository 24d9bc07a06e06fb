import { ApiMisuseError, type TlsEngineFactory } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';
import type { Credentials } from './credentials.ts';
import { UsageError } from './usage-error.ts';

/** What `--engine` chooses from: a new engine is its line here. */
const engines = {
  node: (credentials: Credentials) => nodeEngine.server({ credentials, alpnProtocols: ['http/1.1'] }),
  tls13: (credentials: Credentials) => tls13Engine.server({ credentials, alpnProtocols: ['http/1.1'] }),
} as const satisfies Record<string, (credentials: Credentials) => TlsEngineFactory<'server'>>;

export type EngineName = keyof typeof engines;

export const engineNames: readonly string[] = Object.keys(engines);
export const isEngineName = (name: string): name is EngineName => Object.hasOwn(engines, name);

/** One factory for all connections: what it seals as tickets it can open again. @throws UsageError for files that do not hold what they should */
export function serverEngine(name: EngineName, { cert, key }: Credentials): TlsEngineFactory<'server'> {
  try {
    return engines[name]({ cert, key });
  } catch (error) {
    if (!(error instanceof ApiMisuseError)) throw error;
    throw new UsageError(`--cert and --key: ${error.message}`, { cause: error });
  }
}
