import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { forgeCapabilities } from './capabilities.ts';
import { ForgeTlsEngine } from './forge-tls-engine.ts';
import { type ForgeServerOptions, serverSettings } from './server-options.ts';
import { ServerRole } from './server-role.ts';
import { ServerSessions } from './server-sessions.ts';

/** `forgeEngine.server`. @throws ApiMisuseError for options that make no sense or weaken security unsaid. */
export function serverFactory(options: ForgeServerOptions): TlsEngineFactory<'server'> {
  const settings = serverSettings(options);
  const sessions = new ServerSessions(settings);
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine =>
    new ForgeTlsEngine(new ServerRole(settings, sessions, host), sink, host);
  // As a server node-forge answers every version with TLS 1.0.
  return Object.freeze(Object.assign(make, { role: 'server', capabilities: forgeCapabilities(['TLSv1']) } as const));
}
