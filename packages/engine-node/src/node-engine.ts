import type { TlsEngineFactory } from '@rxtls/core/engine';
import { clientFactory } from './client-factory.ts';
import type { NodeClientOptions } from './client-options.ts';
import { serverFactory } from './server-factory.ts';
import type { NodeServerOptions } from './server-options.ts';

/** TLS 1.2 and 1.3 by the OpenSSL inside Node. Factories are values: make one, use it for any number of connections. */
export const nodeEngine: {
  /** A client's engine. @throws ApiMisuseError */
  client(options: NodeClientOptions): TlsEngineFactory<'client'>;
  /** A server's engine. @throws ApiMisuseError */
  server(options: NodeServerOptions): TlsEngineFactory<'server'>;
} = Object.freeze({ client: clientFactory, server: serverFactory });
