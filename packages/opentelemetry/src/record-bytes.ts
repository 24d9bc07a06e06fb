import type { Direction } from '@rxtls/core/engine';
import type { MetricsAttributes } from './connection-metrics.ts';
import type { Measure } from './safe-meter.ts';

export const direction: Readonly<Record<Direction, MetricsAttributes>> = {
  received: Object.freeze({ 'network.io.direction': 'receive' }),
  sent: Object.freeze({ 'network.io.direction': 'transmit' }),
};

const maxBytes = 65_536;
const maxRecords = 32;

/**
 * The bytes of all connections' records, handed on in sums of at most so many: one measurement costs the SDK
 * microseconds, a good part of what a small record costs in all.
 */
export class RecordBytes {
  readonly #measure: Measure;
  readonly #pending: Record<Direction, number> = { received: 0, sent: 0 };
  #bytes = 0;
  #records = 0;

  constructor(measure: Measure) {
    this.#measure = measure;
  }

  add(way: Direction, bytes: number): void {
    this.#pending[way] += bytes;
    this.#bytes += bytes;
    if (++this.#records >= maxRecords || this.#bytes >= maxBytes) this.flush();
  }

  /** What is pending becomes visible. */
  flush(): void {
    if (this.#records === 0) return;
    const { received, sent } = this.#pending;
    this.#pending.received = this.#pending.sent = this.#bytes = this.#records = 0;
    if (received > 0) this.#measure(received, direction.received);
    if (sent > 0) this.#measure(sent, direction.sent);
  }
}
