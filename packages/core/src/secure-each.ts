import {
  catchError,
  EMPTY,
  mergeMap,
  Observable,
  type ObservableInput,
  type Observer,
  of,
  type OperatorFunction,
  Subject,
} from 'rxjs';
import { Admission } from './admission.ts';
import type { ByteDuplex, DuplexInfo } from './duplex.ts';
import { ApiMisuseError } from './engine/index.ts';
import { checkEngineSource, type EngineSource, EngineSupply } from './engine-source.ts';
import { resolveSecureOptions, type SecureOptions } from './secure-options.ts';
import { secured } from './secured.ts';
import type { TlsConnection } from './tls-connection.ts';
import { use } from './use.ts';

/** A connection that failed, in its handshake or after; the others go on. */
export interface ConnectionFailure {
  /** A `TlsError`, or whatever the inner observable failed with. */
  readonly error: unknown;
  readonly info: DuplexInfo;
}

export interface SecureEachOptions extends SecureOptions {
  /** Handshakes at once; `limits.maxConcurrentHandshakes` by another name. A slot is taken when a ClientHello is complete. */
  readonly maxConcurrentHandshakes?: number;
  /** Hears of every connection that fails. Without it failures are not told to anybody. */
  readonly failed?: Partial<Observer<ConnectionFailure>> | ((failure: ConnectionFailure) => void);
}

/**
 * TLS for every transport a listener emits. The inner observable owns the connection: when it completes the connection is
 * closed, when it errors the connection is cut; either way the others go on.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 8443 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (connection) => connection.writeFrom(connection.source)),
 * )
 */
export function secureEach<R>(
  engine: EngineSource<'server'>,
  project: (connection: TlsConnection) => ObservableInput<R>,
  options: SecureEachOptions = {},
): OperatorFunction<ByteDuplex, R> {
  checkEngineSource(engine, 'server');
  if (typeof project !== 'function')
    throw new ApiMisuseError('secureEach(engine, project) takes a function of the connection');
  const { maxConcurrentHandshakes, failed, ...own } = options;
  const settings = resolveSecureOptions(
    maxConcurrentHandshakes === undefined ? own : { ...own, limits: { ...own.limits, maxConcurrentHandshakes } },
  );
  return (listener) =>
    new Observable<R>((subscriber) => {
      const supply = new EngineSupply(engine);
      const admission = new Admission(settings.limits);
      const failures = new Subject<ConnectionFailure>();
      if (failed !== undefined) failures.subscribe(failed);
      const serve = (duplex: ByteDuplex): Observable<R> =>
        secured(of(duplex), supply, settings, admission).pipe(
          use(project),
          catchError((error: unknown) => {
            failures.next({ error, info: duplex.info });
            return EMPTY;
          }),
        );
      subscriber.add(listener.pipe(mergeMap(serve)).subscribe(subscriber));
      subscriber.add(() => supply.stop());
    });
}
