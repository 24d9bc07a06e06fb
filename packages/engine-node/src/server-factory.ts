import type { TlsEngine, TlsEngineFactory, TlsEngineSink, TlsHost } from '@rxtls/core/engine';
import { nodeCapabilities, versionRange } from './capabilities.ts';
import { NodeServer } from './node-server.ts';
import { type ProvedChains, ServerConnector } from './server-connector.ts';
import { type NodeServerOptions, serverSettings } from './server-options.ts';
import { TlsSocketEngine } from './tls-socket-engine.ts';

/** `nodeEngine.server`. @throws ApiMisuseError for options that make no sense or weaken security unsaid. */
export function serverFactory(options: NodeServerOptions): TlsEngineFactory<'server'> {
  const settings = serverSettings(options);
  const server = new NodeServer(settings, false);
  const proved: ProvedChains = new Map();
  let renegotiable: NodeServer | undefined;
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine => {
    const refuses = host.limits.renegotiation === false;
    if (!refuses) renegotiable ??= new NodeServer(settings, true);
    const connector = new ServerConnector(settings, refuses ? server : (renegotiable ?? server), proved);
    return new TlsSocketEngine(connector, sink, host);
  };
  const capabilities = nodeCapabilities('server', versionRange(settings.versions.min, settings.versions.max));
  return Object.freeze(Object.assign(make, { role: 'server', capabilities } as const));
}
