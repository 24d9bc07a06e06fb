import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { type ConnectionMetrics, connectionMetrics } from '@rxtls/opentelemetry';
import { groupBy } from 'rxjs';
import type { News } from './news.ts';

/** What Prometheus reads, and what there is to observe for it. */
export interface MetricsPage extends Pick<ConnectionMetrics, 'observe'> {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves the metrics of all that is told, on loopback. */
export async function metricsPage(port: number, { files, credentials, failed, drained }: News): Promise<MetricsPage> {
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true }); // its own server takes no port 0
  const provider = new MeterProvider({ readers: [exporter] });
  const meter = provider.getMeter('tls-terminator');
  const metrics = connectionMetrics(meter);
  files.pipe(groupBy(({ name }) => name)).subscribe((own) => {
    const { credentials } = connectionMetrics(meter, { attributes: { 'rxtls.certificate': own.key } });
    own.subscribe(({ event }) => credentials.next(event));
  });
  credentials.subscribe(metrics.credentials);
  failed.subscribe(metrics.failed);
  drained.subscribe(metrics.drained);
  const server = createServer((request, response) => {
    if (request.url === '/metrics') exporter.getMetricsRequestHandler(request, response);
    else response.writeHead(404).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`,
    observe: metrics.observe,
    async close() {
      server.close();
      server.closeAllConnections();
      await provider.shutdown();
    },
  };
}
