import type { OperatorFunction } from 'rxjs';
import type { ByteDuplex } from './duplex.ts';
import { checkEngineSource, type EngineSource, EngineSupply } from './engine-source.ts';
import { GuardedObservable } from './guarded-observable.ts';
import { resolveSecureOptions, type SecureOptions } from './secure-options.ts';
import { secured } from './secured.ts';
import type { TlsConnection } from './tls-connection.ts';
import type { UpgradeReady } from './upgrade-ready.ts';

/**
 * TLS over a transport, or over one that an upgrade has made ready: subscribe = connect, next = a verified connection (at most one), unsubscribe = teardown. The
 * observable lives as long as the connection: it errors before `next` when the handshake fails; after it, it completes after
 * a clean end and errors after an unclean one. So `retry` and `repeat` reconnect, and TLS in TLS is `pipe`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * connect({ host, port: 443 }).pipe(
 *   secure(nodeEngine.client({ serverName: host })),
 *   use((connection) => connection.exchange([request])),
 * )
 */
export function secure(
  engine: EngineSource<'client'> | EngineSource<'server'>,
  options?: SecureOptions,
): OperatorFunction<ByteDuplex | UpgradeReady, TlsConnection> {
  checkEngineSource(engine);
  const settings = resolveSecureOptions(options);
  return (transport) =>
    new GuardedObservable((subscriber) => {
      const supply = new EngineSupply(engine);
      subscriber.add(secured(transport, supply, settings).subscribe(subscriber));
      subscriber.add(() => supply.stop());
    });
}
