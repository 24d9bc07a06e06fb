import { Observable, type Observer } from 'rxjs';
import { ApiMisuseError, type TlsEngineFactory, type TlsRole } from './engine/index.ts';
import { isFactory } from './engine-source.ts';

/** What became of new credentials. */
export type CredentialEvent =
  | { readonly type: 'swapped'; readonly generation: number }
  /** The projection threw, or the stream errored: the last good engine goes on. */
  | { readonly type: 'rejected'; readonly error: unknown };

/**
 * An engine that follows its configuration: each emission of `credentials$` becomes an engine factory, which serves the
 * connections from then on; those that are open, or in their handshake, keep theirs. A projection that throws keeps the
 * last good one and says so to `options.events`.
 */
export function liveEngine<C, R extends TlsRole>(
  credentials$: Observable<C>,
  project: (credentials: C) => TlsEngineFactory<R>,
  options: { readonly events?: Partial<Observer<CredentialEvent>> } = {},
): Observable<TlsEngineFactory<R>> {
  if (typeof project !== 'function') throw new ApiMisuseError('liveEngine(credentials$, project) takes a function');
  return new Observable((subscriber) => {
    let generation = 0;
    const rejected = (error: unknown): void => options.events?.next?.({ type: 'rejected', error });
    return credentials$.subscribe({
      next(credentials) {
        let factory: TlsEngineFactory<R>;
        try {
          factory = project(credentials);
          if (!isFactory(factory)) throw new ApiMisuseError('the projection gave what is no engine factory');
        } catch (error) {
          rejected(error);
          return;
        }
        generation++;
        subscriber.next(factory);
        options.events?.next?.({ type: 'swapped', generation });
      },
      error(error: unknown) {
        rejected(error);
        if (generation === 0) subscriber.error(error);
        else subscriber.complete();
      },
      complete: () => subscriber.complete(),
    });
  });
}
