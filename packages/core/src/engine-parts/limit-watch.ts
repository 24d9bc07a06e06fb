import { LimitExceededError, type LimitName, type TlsEngineSink } from '../engine/index.ts';

/** Holds what was used against a limit, and says once of each limit that it is three quarters used. */
export class LimitWatch {
  readonly #approached = new Set<LimitName>();
  readonly #sink: Pick<TlsEngineSink, 'observed' | 'event'>;

  constructor(sink: Pick<TlsEngineSink, 'observed' | 'event'>) {
    this.#sink = sink;
  }

  /** @throws LimitExceededError past `max`. */
  hold(limit: LimitName, used: number, max: number): void {
    if (used > max) throw new LimitExceededError(limit, `limits.${limit}: more than ${max}`);
    if (used < max * 0.75 || this.#approached.has(limit)) return;
    this.#approached.add(limit);
    if (this.#sink.observed) this.#sink.event({ type: 'limit', limit, used, max });
  }
}
