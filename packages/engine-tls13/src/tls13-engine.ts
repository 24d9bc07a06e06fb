// First, for pages: its handshake then stands near enough to the client's for gzip, as `noble-crypto.ts` explains
import { serverFactory } from './server-factory.ts';
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { clientFactory } from './client-factory.ts';
import type { Tls13ClientOptions } from './client-options.ts';
import type { CryptoProvider } from './crypto/crypto-provider.ts';
import type { Tls13ServerOptions } from './server-options.ts';

/** TLS 1.3 (RFC 8446) in TypeScript. Factories are values: make one, use it for any number of connections. */
export interface Tls13Engine {
  /** A client's engine. @throws ApiMisuseError when the options make no sense, or would weaken security unsaid. */
  client(options: Tls13ClientOptions): TlsEngineFactory<'client'>;
  /** A server's engine. @throws ApiMisuseError when the options make no sense, or would weaken security unsaid. */
  server(options: Tls13ServerOptions): TlsEngineFactory<'server'>;
}

/** The engine on a provider of primitives: `nodeCrypto`, `nobleCrypto`, or one of these with more groups. */
export const tls13EngineOn = (crypto: CryptoProvider): Tls13Engine =>
  Object.freeze<Tls13Engine>({
    client: (options) => clientFactory(crypto, options),
    server: (options) => serverFactory(crypto, options),
  });
