export {
  type ConnectionMetrics,
  connectionMetrics,
  type ConnectionMetricsOptions,
  type MetricsAttributes,
  type MetricsObserver,
  type ObservedCredentials,
} from './connection-metrics.ts';
