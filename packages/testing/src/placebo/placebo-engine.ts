import type {
  EngineCapabilities,
  TlsEngine,
  TlsEngineFactory,
  TlsEngineSink,
  TlsHost,
  TlsRole,
} from '@rxtls/core/engine';
import { DeferredEngine } from './deferred-engine.ts';
import { PlaceboConnection } from './placebo-connection.ts';
import {
  type PlaceboClientOptions,
  type PlaceboServerOptions,
  type ResolvedPlaceboOptions,
  resolvePlaceboOptions,
} from './placebo-options.ts';
import { strictCaller } from './strict-caller.ts';

/**
 * An engine WITHOUT ANY SECURITY: no cryptography, no authentication, everything in clear, for tests alone. It behaves
 * towards its driver as a real engine does (round trips, readiness, key updates, renegotiation, alerts, limits), and
 * throws when the driver breaks the contract, so that the driver can be understood and tested alone.
 */
export const placeboEngine: {
  /** A client without any security. */
  client(options?: PlaceboClientOptions): TlsEngineFactory<'client'>;
  /** A server without any security. */
  server(options?: PlaceboServerOptions): TlsEngineFactory<'server'>;
} = Object.freeze({
  client: (options: PlaceboClientOptions = {}) => factory('client', resolvePlaceboOptions('client', options)),
  server: (options: PlaceboServerOptions = {}) => factory('server', resolvePlaceboOptions('server', options)),
});

function factory<R extends TlsRole>(role: R, options: ResolvedPlaceboOptions): TlsEngineFactory<R> {
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine => {
    const { asynchronous, defer } = options;
    if (asynchronous !== true || defer === undefined) {
      const connection = new PlaceboConnection(role, options, sink, host);
      connection.start();
      return connection;
    }
    let connection: PlaceboConnection | undefined;
    const engine = new DeferredEngine(defer, sink, (inner) => {
      connection = new PlaceboConnection(role, options, inner, host);
      return connection;
    });
    engine.later(() => connection?.start());
    return engine;
  };
  return strictCaller(Object.assign(make, { role, capabilities: capabilities(options) }));
}

const capabilities = ({ version, asynchronous }: ResolvedPlaceboOptions): EngineCapabilities =>
  Object.freeze({
    name: 'placebo (NO SECURITY)',
    versions: [version],
    alpn: true,
    halfClose: version === 'TLSv1.3' ? [version] : [],
    clientAuth: false,
    resumption: false,
    keyUpdate: [version],
    tasks: true,
    alerts: 'any',
    recordNumbers: true,
    innerRecordTypes: true,
    synchronous: asynchronous !== true,
    injectedClock: true,
    injectedEntropy: true,
  });
