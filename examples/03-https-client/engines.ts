import type { TlsEngineFactory } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13';

/** Whom a client wants to meet, and what they speak inside. */
export interface Identity {
  readonly serverName: string;
  readonly port: number;
  /** The authorities to trust; absent: the runtime's roots. */
  readonly ca?: string | Uint8Array;
  readonly alpnProtocols: readonly string[];
}

/** What `--engine` chooses from: a new engine is its line here. */
const engines = {
  node: (identity: Identity) => nodeEngine.client(identity),
  tls13: (identity: Identity) => tls13Engine.client(identity),
} as const satisfies Record<string, (identity: Identity) => TlsEngineFactory<'client'>>;

export type EngineName = keyof typeof engines;

export const engineNames: readonly string[] = Object.keys(engines);
export const isEngineName = (name: string): name is EngineName => Object.hasOwn(engines, name);

/** One factory makes all connections: it keeps the sessions that later ones resume. */
export const clientEngine = (name: EngineName, identity: Identity): TlsEngineFactory<'client'> =>
  engines[name](identity);
