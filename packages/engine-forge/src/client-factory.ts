import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { forgeCapabilities } from './capabilities.ts';
import { clientSettings, type ForgeClientOptions } from './client-options.ts';
import { ClientRole } from './client-role.ts';
import { ClientSessions } from './client-sessions.ts';
import { ForgeTlsEngine } from './forge-tls-engine.ts';

/** `forgeEngine.client`. @throws ApiMisuseError for options that make no sense or weaken security unsaid. */
export function clientFactory(options: ForgeClientOptions): TlsEngineFactory<'client'> {
  const settings = clientSettings(options);
  const sessions = new ClientSessions(settings);
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine =>
    new ForgeTlsEngine(new ClientRole(settings, sessions, host), sink, host);
  const capabilities = forgeCapabilities(settings.versions);
  return Object.freeze(Object.assign(make, { role: 'client', capabilities } as const));
}
