import { LimitExceededError, type Limits, type TlsEvent, type TlsHost } from '@rxtls/core/engine';

type Counted = 'maxEmptyRecords' | 'maxWarningAlerts';
type Metered = 'keyUpdates' | 'postHandshakeMessages';

/** The limits on what a peer may repeat: counts, and rates by the host's monotonic clock. */
export class Gauges {
  readonly #host: TlsHost;
  readonly #limits: Limits;
  readonly #event: (event: TlsEvent) => void;
  readonly #counts: Record<Counted, number> = { maxEmptyRecords: 0, maxWarningAlerts: 0 };
  readonly #buckets: Partial<Record<Metered, { tokens: number; at: number }>> = {};

  constructor(host: TlsHost, event: (event: TlsEvent) => void) {
    this.#host = host;
    this.#limits = host.limits;
    this.#event = event;
  }

  /** One more. @throws LimitExceededError past the limit. */
  count(limit: Counted): void {
    const used = ++this.#counts[limit];
    this.#check(limit, used, this.#limits[limit]);
  }

  reset(limit: Counted): void {
    this.#counts[limit] = 0;
  }

  /** Takes a token. @throws LimitExceededError when the bucket is empty. */
  meter(limit: Metered): void {
    const { burst, perSecond } = this.#limits[limit];
    const now = this.#host.monotonicClock();
    const bucket = (this.#buckets[limit] ??= { tokens: burst, at: now });
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond) - 1;
    bucket.at = now;
    this.#check(limit, burst - bucket.tokens, burst);
  }

  #check(limit: Counted | Metered, used: number, max: number): void {
    if (used > max) throw new LimitExceededError(limit, `the limit ${limit} of ${max} was exceeded`);
    if (used >= max * 0.75) this.#event({ type: 'limit', limit, used: Math.ceil(used), max });
  }
}
