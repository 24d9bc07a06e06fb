import { LimitExceededError, type LimitName, type Rate } from '@rxtls/core/engine';

/** A rate that only time refills: what comes in between does not (CVE-2026-56862). */
export class TokenBucket {
  readonly #limit: LimitName;
  readonly #rate: Rate;
  readonly #clock: () => number;
  #tokens: number;
  #at: number;

  /** `clock`: milliseconds from any start, never going back. */
  constructor(limit: LimitName, rate: Rate, clock: () => number) {
    this.#limit = limit;
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.burst;
    this.#at = clock();
  }

  /** @throws LimitExceededError when there is none left. */
  take(): void {
    const { burst, perSecond } = this.#rate;
    const now = this.#clock();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#at) / 1_000) * perSecond);
    this.#at = now;
    if (this.#tokens < 1)
      throw new LimitExceededError(
        this.#limit,
        `limits.${this.#limit}: more than ${burst} at once, ${perSecond} a second`,
        {
          alert: 'unexpected_message',
        },
      );
    this.#tokens--;
  }
}
