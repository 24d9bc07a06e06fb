import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { tls13Capabilities } from './capabilities.ts';
import type { CryptoProvider } from './crypto/crypto-provider.ts';
import type { EngineRole } from './engine-role.ts';
import { outOfOrder } from './handshake/handshake-checks.ts';
import { ServerHandshake } from './handshake/server-handshake.ts';
import type { OutgoingSeam } from './outgoing-seam.ts';
import { serverSettings, type Tls13ServerOptions } from './server-options.ts';
import { Tls13TlsEngine } from './tls13-tls-engine.ts';

/** `tls13Engine.server`; `seam` is for tests. @throws ApiMisuseError for options that make no sense or weaken security unsaid. */
export function serverFactory(
  crypto: CryptoProvider,
  options: Tls13ServerOptions,
  seam?: OutgoingSeam,
): TlsEngineFactory<'server'> {
  const settings = serverSettings(crypto, options);
  const role: EngineRole = {
    crypto,
    padding: settings.padding,
    keylog: settings.keylog,
    sendsFirst: false,
    seam,
    handshake: (connection) => new ServerHandshake(connection, settings),
    // RFC 8446 §4.1.2: "If a server ... receives a ClientHello at any other time, it MUST terminate the connection with an "unexpected_message" alert."
    postHandshake: (message) => {
      throw outOfOrder(message.type, 'CONNECTED');
    },
  };
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine => new Tls13TlsEngine(role, sink, host);
  return Object.freeze(Object.assign(make, { role: 'server' as const, capabilities: tls13Capabilities }));
}
