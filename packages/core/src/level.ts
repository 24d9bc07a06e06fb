import { Observable, type Subscriber } from 'rxjs';
import { reporting } from './reporting.ts';

interface Watcher {
  readonly subscriber: Subscriber<number>;
  version: number;
}

/**
 * A number that is watched: how a transport keeps `demand` and `taken`. `changes` replays the value, emits only what
 * differs, and is free of glitches: a handler may change the level from inside its own call, every watcher's last value
 * is then the latest, and values that were passed over are never seen late. (A `BehaviorSubject` tells its second
 * watcher the newer value first and the stale one last.)
 */
export class Level {
  readonly changes: Observable<number>;
  readonly #watchers: Set<Watcher> = new Set();
  #value: number;
  #version = 0;
  #ended: { readonly error?: unknown } | undefined;

  constructor(value: number) {
    this.#value = value;
    this.changes = new Observable((subscriber) => this.#watch(subscriber));
  }

  get value(): number {
    return this.#value;
  }

  /** Changes the level; every watcher has been told when it returns. Does nothing after `complete` or `fail`. */
  set(value: number): void {
    if (this.#ended || value === this.#value) return;
    this.#value = value;
    this.#version++;
    for (const watcher of this.#watchers) {
      if (watcher.version === this.#version) continue;
      watcher.version = this.#version;
      watcher.subscriber.next(this.#value);
    }
  }

  /** No more changes: watchers complete, later ones get the last value first. */
  complete(): void {
    if (this.#ended) return;
    this.#ended = {};
    for (const { subscriber } of this.#watchers) reporting(() => subscriber.complete());
  }

  /** What the level measured is gone: watchers and later ones get this error, once each. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = { error };
    for (const { subscriber } of this.#watchers) reporting(() => subscriber.error(error));
  }

  #watch(subscriber: Subscriber<number>): void {
    if (this.#ended && 'error' in this.#ended) return subscriber.error(this.#ended.error);
    const watcher: Watcher = { subscriber, version: this.#version };
    this.#watchers.add(watcher);
    subscriber.add(() => this.#watchers.delete(watcher));
    subscriber.next(this.#value);
    if (this.#ended) subscriber.complete();
  }
}
