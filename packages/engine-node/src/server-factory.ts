import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { nodeCapabilities, versionRange } from './capabilities.ts';
import { NodeServers } from './node-servers.ts';
import { type ProvedChains, ServerConnector } from './server-connector.ts';
import { type NodeServerOptions, serverSettings } from './server-options.ts';
import { TlsSocketEngine } from './tls-socket-engine.ts';

/** `nodeEngine.server`. @throws ApiMisuseError for options that make no sense or weaken security unsaid. */
export function serverFactory(options: NodeServerOptions): TlsEngineFactory<'server'> {
  const settings = serverSettings(options);
  const servers = new NodeServers(settings);
  const proved: ProvedChains = new Map();
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine =>
    new TlsSocketEngine(new ServerConnector(settings, servers, proved, host.limits), sink, host);
  const capabilities = nodeCapabilities('server', versionRange(settings.versions.min, settings.versions.max));
  return Object.freeze(Object.assign(make, { role: 'server', capabilities } as const));
}
