import { concatMap, isObservable, Observable, type Observer } from 'rxjs';
import {
  ApiMisuseError,
  type ClientHello,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsEngineSink,
  type TlsHost,
} from './engine/index.ts';
import { type EngineChoice, type EngineSelector, isFactory, isSelector } from './engine-source.ts';
import { reporting } from './reporting.ts';

/** What became of new credentials. */
export type CredentialEvent =
  | { readonly type: 'swapped'; readonly generation: number }
  /** The projection threw, or the stream errored: the last good engine goes on. */
  | { readonly type: 'rejected'; readonly error: unknown }
  /** The stream completed: the last good engine goes on, and nothing will replace it. */
  | { readonly type: 'completed'; readonly generation: number };

/**
 * An engine that follows its configuration: each emission of `credentials$` becomes an engine factory, or a selector such as
 * `byServerName`, which serves the connections from then on; those that are open, or in their handshake, keep theirs. A
 * projection that throws keeps the last good one and says so to `options.events`. Each connection's `negotiated.generation`
 * says which emission it was made with.
 *
 * @throws ApiMisuseError for what is no observable, no function and no observer
 * @example
 * const live = liveEngine(of(credentials), (latest) => nodeEngine.server({ credentials: latest }));
 * secureEach(live, (connection) => connection.writeFrom(connection.source));
 */
export function liveEngine<C, F extends EngineChoice>(
  credentials$: Observable<C>,
  project: (credentials: C) => F,
  options: { readonly events?: Partial<Observer<CredentialEvent>> } = {},
): Observable<F> {
  if (!isObservable(credentials$))
    throw new ApiMisuseError(
      'liveEngine(credentials$, project) takes an observable; one that does not change is of(…)',
    );
  if (typeof project !== 'function') throw new ApiMisuseError('liveEngine(credentials$, project) takes a function');
  const { events = {} } = options ?? {};
  if (typeof events !== 'object' || events === null)
    throw new ApiMisuseError('liveEngine: events must be an observer, such as { next: (event) => … }');
  return new Observable((subscriber) => {
    let generation = 0;
    const tell = (event: CredentialEvent): void => reporting(() => events.next?.(event));
    // One after the other: what is emitted from within the projection, or by whoever hears of an engine, is the newer.
    return credentials$.pipe(concatMap((credentials) => [credentials])).subscribe({
      next(credentials) {
        let choice: F;
        try {
          choice = numbered(project(credentials), generation + 1);
        } catch (error) {
          tell({ type: 'rejected', error });
          return;
        }
        generation++;
        subscriber.next(choice);
        tell({ type: 'swapped', generation });
      },
      error(error: unknown) {
        tell({ type: 'rejected', error });
        if (generation === 0) subscriber.error(error);
        else subscriber.complete();
      },
      complete() {
        tell({ type: 'completed', generation });
        subscriber.complete();
      },
    });
  });
}

/** The same, with its number: a value of its own, since one factory may be emitted again. */
function numbered<F extends EngineChoice>(choice: F, generation: number): F {
  if (isSelector(choice)) return selector(choice, generation) as F;
  if (!isFactory(choice)) throw new ApiMisuseError('the projection gave what is no engine factory');
  const factory: TlsEngineFactory = choice;
  const { role, capabilities } = factory;
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine => factory(sink, host);
  const made: TlsEngineFactory = Object.freeze(Object.assign(make, { role, capabilities, generation }));
  return made as F;
}

const selector = (below: EngineSelector, generation: number): EngineSelector =>
  Object.freeze({ select: (hello: ClientHello) => below.select(hello), generation });
