import { Observable, type Observer, Subscriber, type Subscription, type TeardownLogic } from 'rxjs';

/**
 * An observable that learns when a plain observer throws. RxJS 7 catches what a `next` handler throws and reports it
 * later, out of everybody's sight; a connection must end when the one that reads it is broken. RxJS still reports it.
 * Handlers behind operators are RxJS's own business: what an operator's function throws comes back as unsubscription.
 */
export class GuardedObservable<T> extends Observable<T> {
  readonly #thrown: ((error: unknown) => void) | undefined;

  /** Without `thrown` the subscription of the observer that threw is ended. */
  constructor(subscribe: (subscriber: Subscriber<T>) => TeardownLogic, thrown?: (error: unknown) => void) {
    super(subscribe);
    this.#thrown = thrown;
  }

  override subscribe(observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null): Subscription;
  override subscribe(
    next?: ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription;
  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (observerOrNext instanceof Subscriber) return super.subscribe(observerOrNext);
    const observer: Partial<Observer<T>> =
      typeof observerOrNext === 'function' || observerOrNext === null || observerOrNext === undefined
        ? { ...(observerOrNext && { next: observerOrNext }), ...(error && { error }), ...(complete && { complete }) }
        : observerOrNext;
    let subscription: Subscription | undefined;
    let isBroken = false;
    const thrown = (error: unknown): void => {
      isBroken = true;
      if (this.#thrown === undefined) subscription?.unsubscribe();
      else this.#thrown(error);
    };
    const guarded: Partial<Observer<T>> = {
      next(value) {
        try {
          observer.next?.(value);
        } catch (error) {
          thrown(error);
          throw error;
        }
      },
      complete: () => observer.complete?.(),
    };
    // Without an error handler RxJS reports the error as unhandled; a handler of ours in between must not hide it.
    if (observer.error) guarded.error = (error: unknown) => observer.error?.(error);
    subscription = super.subscribe(guarded);
    if (isBroken && this.#thrown === undefined) subscription.unsubscribe();
    return subscription;
  }
}
