import { ApiMisuseError, type TlsEngineFactory } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';
import { UsageError } from './usage-error.ts';

/** Whom a client wants to meet, and whom it trusts to say who that is. */
export interface Identity {
  readonly serverName: string;
  /** Absent: the runtime's roots. */
  readonly ca?: string | Uint8Array;
}

/** What `--engine` chooses from: a new engine is its line here. */
const engines = {
  node: (identity: Identity) => nodeEngine.client({ ...identity, alpnProtocols: ['http/1.1'] }),
  tls13: (identity: Identity) => tls13Engine.client({ ...identity, alpnProtocols: ['http/1.1'] }),
} as const satisfies Record<string, (identity: Identity) => TlsEngineFactory<'client'>>;

export type EngineName = keyof typeof engines;

export const engineNames: readonly string[] = Object.keys(engines);
export const isEngineName = (name: string): name is EngineName => Object.hasOwn(engines, name);

/** @throws UsageError for what the engine does not take */
export function clientEngine(name: EngineName, identity: Identity): TlsEngineFactory<'client'> {
  try {
    return engines[name](identity);
  } catch (error) {
    if (!(error instanceof ApiMisuseError)) throw error;
    throw new UsageError(error.message, { cause: error });
  }
}
