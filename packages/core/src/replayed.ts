import { Observable, type Subscriber } from 'rxjs';

interface Watcher<T> {
  readonly subscriber: Subscriber<T>;
  told: T;
}

/**
 * A value that is read only when somebody listens: subscribers get it at once, then every change. After the end they get
 * the last one and the end. Free of glitches as a `Level` is: a watcher that changes the value from inside its own call
 * leaves no other one with a stale value.
 */
export class Replayed<T> {
  readonly observable: Observable<T>;
  readonly #read: () => T;
  readonly #same: (a: T, b: T) => boolean;
  readonly #watchers: Set<Watcher<T>> = new Set();
  #last: T | undefined;
  #ended = false;

  constructor(read: () => T, same: (a: T, b: T) => boolean) {
    this.#read = read;
    this.#same = same;
    this.observable = new Observable<T>((subscriber) => this.#watch(subscriber));
  }

  /** Something may have changed. */
  check(): void {
    if (this.#ended || this.#watchers.size === 0) return;
    const value = this.#read();
    if (this.#last !== undefined && this.#same(this.#last, value)) return;
    this.#last = value;
    for (const watcher of this.#watchers) {
      if (this.#same(watcher.told, this.#last)) continue;
      watcher.told = this.#last;
      watcher.subscriber.next(this.#last);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.check();
    this.#last = this.#read();
    this.#ended = true;
    for (const { subscriber } of this.#watchers) subscriber.complete();
  }

  #watch(subscriber: Subscriber<T>): void {
    if (!this.#ended && this.#watchers.size === 0) this.#last = this.#read();
    const watcher: Watcher<T> = { subscriber, told: this.#last! };
    this.#watchers.add(watcher);
    subscriber.add(() => this.#watchers.delete(watcher));
    subscriber.next(watcher.told);
    if (this.#ended) subscriber.complete();
  }
}
