import {
  catchError,
  EMPTY,
  isObservable,
  mergeMap,
  Observable,
  type ObservableInput,
  type Observer,
  of,
  type OperatorFunction,
  Subject,
  takeUntil,
} from 'rxjs';
import { Admission } from './admission.ts';
import type { Drain } from './drain.ts';
import { Draining } from './draining.ts';
import type { ByteDuplex, DuplexInfo } from './duplex.ts';
import { ApiMisuseError } from './engine/index.ts';
import { checkEngineSource, type EngineSource, EngineSupply } from './engine-source.ts';
import { ownProperties, resolveSecureOptions, type SecureOptions } from './secure-options.ts';
import { secured } from './secured.ts';
import type { TlsConnection } from './tls-connection.ts';
import { transportOf, type UpgradeReady } from './upgrade-ready.ts';
import { upgraded } from './upgraded.ts';
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
  /**
   * What every transport passes through before TLS, on its own: a server's side of STARTTLS, the PROXY protocol, or both
   * by `pipe(…)` of RxJS. Its failure is this one connection's; a transport that it gives up it has to cut itself.
   */
  readonly upgrade?: OperatorFunction<ByteDuplex, ByteDuplex | UpgradeReady>;
  /** How the server comes to its end: `drain(notifier, { deadline })`. */
  readonly drain?: Drain;
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
): OperatorFunction<ByteDuplex | UpgradeReady, R> {
  checkEngineSource(engine, 'server');
  if (typeof project !== 'function')
    throw new ApiMisuseError('secureEach(engine, project) takes a function of the connection');
  if (typeof options !== 'object' || options === null) throw new ApiMisuseError('options must be an object');
  const { maxConcurrentHandshakes, failed, upgrade, drain, ...own } = ownProperties(options);
  if (upgrade !== undefined && typeof upgrade !== 'function')
    throw new ApiMisuseError('secureEach: upgrade must be an operator, such as smtpStartTlsServer({ name })');
  if (drain !== undefined && !isObservable(drain?.notifier))
    throw new ApiMisuseError('secureEach: drain must be what drain(notifier, { deadline }) gives');
  const settings = resolveSecureOptions(
    maxConcurrentHandshakes === undefined ? own : { ...own, limits: { ...own.limits, maxConcurrentHandshakes } },
  );
  return (listener) =>
    new Observable<R>((subscriber) => {
      const supply = new EngineSupply(engine, 'server');
      const admission = new Admission(settings.limits);
      const failures = new Subject<ConnectionFailure>();
      if (failed !== undefined) failures.subscribe(failed);
      const draining = drain === undefined ? undefined : new Draining(drain, admission, settings.scheduler);
      subscriber.add(() => admission.close());
      const serve = (below: ByteDuplex | UpgradeReady): Observable<R> => {
        const transport = upgrade === undefined ? of(below) : upgraded(transportOf(below), upgrade);
        return secured(transport, supply, settings, admission, draining).pipe(
          use(project),
          catchError((error: unknown) => {
            failures.next({ error, info: below.info });
            return EMPTY;
          }),
        );
      };
      const all = draining === undefined ? listener.pipe(mergeMap(serve)) : drained(listener, serve, draining);
      subscriber.add(all.subscribe(subscriber));
      subscriber.add(() => supply.stop());
    });
}

/** Until the notifier emits like any other; then nobody new, and nobody after the deadline. */
const drained = <R>(
  listener: Observable<ByteDuplex | UpgradeReady>,
  serve: (below: ByteDuplex | UpgradeReady) => Observable<R>,
  draining: Draining,
): Observable<R> =>
  new Observable((subscriber) => {
    subscriber.add(draining.start((error) => subscriber.error(error)));
    if (subscriber.closed) return; // no listener for a server that has failed
    const each = (below: ByteDuplex | UpgradeReady): Observable<R> => serve(below).pipe(takeUntil(draining.over));
    const served = listener.pipe(takeUntil(draining.begun), mergeMap(each));
    subscriber.add(
      served.subscribe({
        next: (value) => subscriber.next(value),
        error: (error) => subscriber.error(error),
        complete: () => draining.completed(() => subscriber.complete()),
      }),
    );
  });
