import { isObservable, type Observable, type ObservableInput, Subscription, from } from 'rxjs';
import { ApiMisuseError, type ClientHello, type TlsEngineFactory, type TlsRole } from './engine/index.ts';

/** Chooses a server's engine from the ClientHello; made by `byHello`. */
export interface EngineSelector {
  readonly select: (
    hello: ClientHello,
  ) => TlsEngineFactory<'server'> | ObservableInput<TlsEngineFactory<'server'>> | undefined;
  /** Which emission of a `liveEngine` it is. */
  readonly generation?: number;
}

/** What one connection can be served by. */
export type EngineChoice<R extends TlsRole = TlsRole> =
  | TlsEngineFactory<R>
  | (R extends 'server' ? EngineSelector : never);

/**
 * Where engines come from. A factory is a value, and so is a selector; an observable of either is live configuration: the
 * latest one serves the next connection, a handshake in flight keeps its own, and an error or completion keeps the last.
 */
export type EngineSource<R extends TlsRole = TlsRole> =
  | EngineChoice<R>
  | Observable<EngineChoice<R>>
  | PromiseLike<EngineChoice<R>>;

/** A waiting connection. */
interface Taker {
  ready(): void;
  failed(error: unknown): void;
}

export const isFactory = (value: unknown): value is TlsEngineFactory =>
  typeof value === 'function' &&
  ((value as Partial<TlsEngineFactory>).role === 'client' || (value as Partial<TlsEngineFactory>).role === 'server');

export const isSelector = (value: unknown): value is EngineSelector =>
  typeof value === 'object' && value !== null && typeof (value as Partial<EngineSelector>).select === 'function';

const roleOf = (choice: EngineChoice): TlsRole => (isFactory(choice) ? choice.role : 'server');

/** The latest of an {@link EngineSource}, for as long as the operator that holds it is subscribed. */
export class EngineSupply {
  latest: TlsEngineFactory | EngineSelector | undefined;
  readonly #takers = new Set<Taker>();
  readonly #subscription = new Subscription();
  #failure: { readonly error: unknown } | undefined;

  /** `role`: the one that is wanted; where both will do, the first choice has it for all. */
  constructor(source: EngineSource<'server'> | EngineSource<'client'>, role?: TlsRole) {
    if (isFactory(source) || isSelector(source)) {
      this.latest = source;
      return;
    }
    this.#subscription.add(
      from(source as ObservableInput<EngineChoice>).subscribe({
        next: (choice) => {
          if (!isFactory(choice) && !isSelector(choice))
            return this.#fail(new ApiMisuseError('an engine source emitted what is no engine factory'));
          const wanted = role ?? roleOf(this.latest ?? choice);
          if (roleOf(choice) !== wanted)
            return this.#fail(new ApiMisuseError(`a ${wanted} engine is wanted here, and its source emitted another`));
          this.latest = choice;
          this.#tell((taker) => taker.ready());
        },
        error: (error: unknown) => this.#fail(error),
        complete: () =>
          this.#fail(new ApiMisuseError('an engine source completed before it emitted an engine factory')),
      }),
    );
  }

  /** Calls `ready` once there is a latest one, or `failed` when there never will be. */
  wait(taker: Taker): Subscription {
    const subscription = new Subscription(() => this.#takers.delete(taker));
    if (this.latest !== undefined) taker.ready();
    else if (this.#failure !== undefined) taker.failed(this.#failure.error);
    else this.#takers.add(taker);
    return subscription;
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }

  #fail(error: unknown): void {
    if (this.latest !== undefined) return; // the last good one goes on
    this.#failure = { error };
    this.#tell((taker) => taker.failed(error));
  }

  /** Whoever is told may end others that wait, or bring a newer factory that they take: those are not told. */
  #tell(what: (taker: Taker) => void): void {
    for (const taker of this.#takers) {
      this.#takers.delete(taker);
      what(taker);
    }
  }
}

/** Refuses, before anything is subscribed, what can never give an engine. */
export function checkEngineSource(source: unknown, role?: TlsRole): void {
  if (isFactory(source) && role !== undefined && source.role !== role)
    throw new ApiMisuseError(`a ${role} engine is wanted here, and this is a ${source.role} engine`);
  if (isFactory(source) || isSelector(source) || isObservable(source)) return;
  if (typeof (source as { then?: unknown } | null | undefined)?.then === 'function') return;
  throw new ApiMisuseError(
    'an engine is wanted: a factory such as nodeEngine.client({ … }), an observable or promise of one, or byHello(…)',
  );
}
