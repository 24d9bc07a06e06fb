import type { TlsEngineFactory } from '@rxtls/core';
import { type NodeServerOptions, nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';

/** What both engines take by the same name. */
interface Options extends Pick<NodeServerOptions, 'ticketKeys'> {
  readonly credentials: { readonly cert: string; readonly key: string };
}

/** What a worker may run on. */
export const engines = {
  node: (options: Options): TlsEngineFactory<'server'> => nodeEngine.server(options),
  tls13: (options: Options): TlsEngineFactory<'server'> => tls13Engine.server(options),
} as const;

export type EngineName = keyof typeof engines;
