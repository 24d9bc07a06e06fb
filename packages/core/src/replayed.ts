import { Observable, Subject } from 'rxjs';

/**
 * A value that is read only when somebody listens: subscribers get it at once, then every change. After the end they get
 * the last one and the end.
 */
export class Replayed<T> {
  readonly observable: Observable<T>;
  readonly #read: () => T;
  readonly #same: (a: T, b: T) => boolean;
  readonly #changes = new Subject<T>();
  #last: T | undefined;
  #ended = false;

  constructor(read: () => T, same: (a: T, b: T) => boolean) {
    this.#read = read;
    this.#same = same;
    this.observable = new Observable<T>((subscriber) => {
      if (!this.#ended && !this.#changes.observed) this.#last = this.#read();
      subscriber.next(this.#last!);
      return this.#changes.subscribe(subscriber);
    });
  }

  /** Something may have changed. */
  check(): void {
    if (this.#ended || !this.#changes.observed) return;
    const value = this.#read();
    if (this.#last !== undefined && this.#same(this.#last, value)) return;
    this.#last = value;
    this.#changes.next(value);
  }

  end(): void {
    if (this.#ended) return;
    this.check();
    this.#last = this.#read();
    this.#ended = true;
    this.#changes.complete();
  }
}
