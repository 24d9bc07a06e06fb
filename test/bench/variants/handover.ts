interface Waiting<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/** Brings what a server accepts to whoever connects, in order. */
export class Handover<T> {
  readonly #waiting: Waiting<T>[] = [];

  /** What is accepted next. */
  take(): Promise<T> {
    const next = new Promise<T>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    next.catch(() => undefined);
    return next;
  }

  give(value: T): void {
    this.#waiting.shift()?.resolve(value);
  }

  fail(error: unknown): void {
    this.#waiting.shift()?.reject(error);
  }
}
