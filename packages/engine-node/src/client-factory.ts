import type { SecureContext } from 'node:tls';
import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { nodeCapabilities, versionRange } from './capabilities.ts';
import { ClientConnector } from './client-connector.ts';
import { clientSettings, type NodeClientOptions } from './client-options.ts';
import { ClientSessions } from './client-sessions.ts';
import { contextOptions, secureContext } from './secure-context.ts';
import { TlsSocketEngine } from './tls-socket-engine.ts';

/** `nodeEngine.client`. @throws ApiMisuseError for options that make no sense or weaken security unsaid. */
export function clientFactory(options: NodeClientOptions): TlsEngineFactory<'client'> {
  const settings = clientSettings(options);
  const { credentials, versions, sessions: store } = settings;
  const forContext = {
    ...settings,
    credentials: credentials === undefined ? [] : [credentials],
    resumption: store !== undefined,
  };
  const context = secureContext(contextOptions(forContext, false));
  const sessions = new ClientSessions(settings);
  let renegotiable: SecureContext | undefined;
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine => {
    const refuses = host.limits.renegotiation === false;
    if (!refuses) renegotiable ??= secureContext(contextOptions(forContext, true));
    const connector = new ClientConnector(settings, refuses ? context : (renegotiable ?? context), sessions);
    return new TlsSocketEngine(connector, sink, host);
  };
  const capabilities = nodeCapabilities('client', versionRange(versions.min, versions.max));
  return Object.freeze(Object.assign(make, { role: 'client', capabilities } as const));
}
