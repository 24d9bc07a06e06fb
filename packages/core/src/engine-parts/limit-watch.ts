import { LimitExceededError, type LimitName, type TlsEvent } from '../engine/index.ts';

/** Holds what was used against a limit, and says once of each limit that it is three quarters used. */
export class LimitWatch {
  readonly #approached = new Set<LimitName>();
  readonly #event: (event: TlsEvent) => void;

  constructor(event: (event: TlsEvent) => void) {
    this.#event = event;
  }

  /** @throws LimitExceededError past `max`. */
  hold(limit: LimitName, used: number, max: number): void {
    if (used > max) throw new LimitExceededError(limit, `limits.${limit}: more than ${max}`);
    if (used < max * 0.75 || this.#approached.has(limit)) return;
    this.#approached.add(limit);
    this.#event({ type: 'limit', limit, used, max });
  }
}
