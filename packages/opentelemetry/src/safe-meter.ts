import type { Meter, MetricOptions } from '@opentelemetry/api';
import type { MetricsAttributes } from './connection-metrics.ts';

/** Takes a number; never throws. */
export type Measure = (value: number, attributes?: MetricsAttributes) => void;

/**
 * Instruments of a meter as functions that never throw: an observer that throws would end its connection, and what is
 * wrong with a meter is no fault of the connection's. Every number gets the attributes that all have in common.
 */
export class SafeMeter {
  readonly #meter: Meter;
  readonly #common: MetricsAttributes;
  readonly #failed: ((error: unknown) => void) | undefined;

  constructor(meter: Meter, common: MetricsAttributes, failed: ((error: unknown) => void) | undefined) {
    this.#meter = meter;
    this.#common = common;
    this.#failed = failed;
  }

  counter(name: string, options: MetricOptions): Measure {
    return this.#safe(() => {
      const counter = this.#meter.createCounter(name, options);
      return (value, attributes) => counter.add(value, attributes);
    });
  }

  upDownCounter(name: string, options: MetricOptions): Measure {
    return this.#safe(() => {
      const counter = this.#meter.createUpDownCounter(name, options);
      return (value, attributes) => counter.add(value, attributes);
    });
  }

  gauge(name: string, options: MetricOptions): Measure {
    return this.#safe(() => {
      const gauge = this.#meter.createGauge(name, options);
      return (value, attributes) => gauge.record(value, attributes);
    });
  }

  histogram(name: string, options: MetricOptions): Measure {
    return this.#safe(() => {
      const histogram = this.#meter.createHistogram(name, options);
      return (value, attributes) => histogram.record(value, attributes);
    });
  }

  /** An instrument that cannot be made measures nothing, and the others go on. */
  #safe(make: () => (value: number, attributes: MetricsAttributes) => void): Measure {
    const common = this.#common;
    let record: ReturnType<typeof make>;
    try {
      record = make();
    } catch (error) {
      this.#tell(error);
      return () => undefined;
    }
    return (value, attributes) => {
      try {
        record(value, attributes === undefined ? common : { ...common, ...attributes });
      } catch (error) {
        this.#tell(error);
      }
    };
  }

  #tell(error: unknown): void {
    try {
      this.#failed?.(error);
    } catch {
      // Whoever was to hear of it is broken, too: nobody is left to be told, and no connection is to end by it.
    }
  }
}
