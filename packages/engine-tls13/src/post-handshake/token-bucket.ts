import type { Rate, TlsHost } from '@rxtls/core/engine';
import type { LimitWatch } from '@rxtls/core/engine-parts';

/** A rate that only time refills: what comes in between does not (CVE-2026-56862). */
export class TokenBucket {
  readonly #limit: 'postHandshakeMessages' | 'keyUpdates';
  readonly #rate: Rate;
  readonly #host: TlsHost;
  readonly #watch: LimitWatch;
  #taken = 0;
  /** Milliseconds by the monotonic clock. */
  #at: number;

  constructor(limit: 'postHandshakeMessages' | 'keyUpdates', host: TlsHost, watch: LimitWatch) {
    this.#limit = limit;
    this.#rate = host.limits[limit];
    this.#host = host;
    this.#watch = watch;
    this.#at = host.monotonicClock();
  }

  /** @throws LimitExceededError when there is none left. */
  take(): void {
    const { burst, perSecond } = this.#rate;
    const now = this.#host.monotonicClock();
    this.#taken = Math.max(0, this.#taken - ((now - this.#at) / 1_000) * perSecond) + 1;
    this.#at = now;
    this.#watch.hold(this.#limit, this.#taken, burst);
  }
}
