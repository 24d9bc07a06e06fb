// A meter of the OpenTelemetry SDK, and what an exporter gets of it.
import type { Meter } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import type { Test } from 'tap';

export interface Recorded {
  readonly meter: Meter;
  /** Everything that was measured so far. */
  readonly collect: () => Promise<Collected>;
}

/** A metric as it is exported. */
export class Collected {
  readonly metrics: readonly MetricData[];

  constructor(metrics: readonly MetricData[]) {
    this.metrics = metrics;
  }

  /** Names of those with a measurement. */
  get names(): string[] {
    return this.metrics.map(({ descriptor }) => descriptor.name).sort();
  }

  /** Each series of a metric: its attributes, and its value; of a histogram how many. */
  series(name: string): [attributes: Record<string, unknown>, value: number][] {
    const metric = this.metrics.find(({ descriptor }) => descriptor.name === name);
    if (metric === undefined) return [];
    if (metric.dataPointType === DataPointType.HISTOGRAM)
      return metric.dataPoints.map(({ attributes, value }) => [{ ...attributes }, (value as Histogram).count]);
    return metric.dataPoints.map(({ attributes, value }) => [{ ...attributes }, value as number]);
  }

  /** The sum over all series that have these attributes. */
  sum(name: string, attributes: Record<string, unknown> = {}): number {
    return this.series(name)
      .filter(([own]) => Object.entries(attributes).every(([key, value]) => own[key] === value))
      .reduce((sum, [, value]) => sum + value, 0);
  }

  /** The sum of what a histogram took. */
  total(name: string): number {
    const metric = this.metrics.find(({ descriptor }) => descriptor.name === name);
    return (metric?.dataPoints ?? []).reduce((sum, { value }) => sum + ((value as Histogram).sum ?? 0), 0);
  }
}

export function recorded(t: Test): Recorded {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  // Exported when it is asked for.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 31 - 1 });
  const provider = new MeterProvider({ readers: [reader] });
  t.teardown(() => provider.shutdown());
  return {
    meter: provider.getMeter('rxtls'),
    collect: async () => {
      exporter.reset();
      await provider.forceFlush();
      return new Collected(
        exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics)),
      );
    },
  };
}
