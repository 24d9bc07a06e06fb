import type { TicketKeys, TlsEngineFactory } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';

/** What both engines take by the same name. */
export interface EngineOptions {
  readonly credentials: { readonly cert: string; readonly key: string };
  readonly alpnProtocols?: readonly string[];
  readonly ticketKeys: TicketKeys;
}

/** What `--engine` chooses from. */
export const engines = {
  node: (options: EngineOptions): TlsEngineFactory<'server'> => nodeEngine.server(options),
  tls13: (options: EngineOptions): TlsEngineFactory<'server'> => tls13Engine.server(options),
} as const;

export type EngineName = keyof typeof engines;
