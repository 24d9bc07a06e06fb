import type { Meter } from '@opentelemetry/api';
import type { ConnectionFailure, ConnectionObservers, DrainedConnection } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import { ownOptions } from '@rxtls/core/engine-parts';
import { errorAttributes } from './error-attributes.ts';
import { instruments } from './instruments.ts';
import { ObservedConnection } from './observed-connection.ts';
import { SafeMeter } from './safe-meter.ts';

/** Attributes by their names. */
export type MetricsAttributes = Readonly<Record<string, string | number | boolean>>;

export interface ConnectionMetricsOptions {
  /** Names of metrics begin with `rxtls.server.`, the default, or `rxtls.client.`. */
  readonly role?: 'client' | 'server';
  /** Go with every number: the name or port of a listener, never what a peer says. Each combination is a series of its own. */
  readonly attributes?: MetricsAttributes;
  /** Hears what the meter throws; without it that is dropped. No connection ends by it, nor by what this throws. */
  readonly meterFailed?: (error: unknown) => void;
}

/** Takes what is observed; never throws. */
export interface MetricsObserver<T> {
  next(value: T): void;
}

/** What became of credentials: the events of `liveEngine` fit, and those of `watchFiles` of `@rxtls/credentials`. */
export interface ObservedCredentials {
  readonly type: string;
  readonly generation?: number;
  /** What `watchFiles` found out about what it has loaded. */
  readonly checked?: { readonly validTo: Date };
  readonly error?: unknown;
}

/** Observers that fit the options of `@rxtls/core`. They may be shared by all connections of one role. */
export interface ConnectionMetrics {
  /** For `observe` of `secure` and `secureEach`: called once for each connection. */
  readonly observe: () => Pick<ConnectionObservers, 'events'>;
  /** For `failed` of `secureEach`. */
  readonly failed: MetricsObserver<ConnectionFailure>;
  /** For `events` of `liveEngine`, and of `watchFiles`. */
  readonly credentials: MetricsObserver<ObservedCredentials>;
  /** For `drained` of `drain`. */
  readonly drained: MetricsObserver<DrainedConnection>;
}

const valueTypes: ReadonlySet<string> = new Set(['string', 'number', 'boolean']);

/**
 * Metrics of connections, and of the server they belong to, on a meter of the OpenTelemetry API. Make it once and use it for
 * all of them: the instruments are made here.
 *
 * @throws ApiMisuseError for what is no meter, and for options that cannot be
 * @example
 * const observed = connectionMetrics(meter, { attributes: { 'server.port': port } });
 * listen({ port }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (connection) => connection.writeFrom(connection.source), {
 *     observe: observed.observe,
 *     failed: observed.failed,
 *   }),
 * );
 */
export function connectionMetrics(meter: Meter, options: ConnectionMetricsOptions = {}): ConnectionMetrics {
  if (typeof (meter as Partial<Meter> | null | undefined)?.createHistogram !== 'function')
    throw new ApiMisuseError("connectionMetrics(meter) takes a meter: metrics.getMeter('…') of @opentelemetry/api");
  const { role, attributes, meterFailed } = resolve(options);
  const made = instruments(new SafeMeter(meter, attributes, meterFailed), role);
  return Object.freeze({
    observe: () => ({ events: new ObservedConnection(made) }),
    failed: { next: ({ error }: ConnectionFailure) => made.failures(1, errorAttributes(error)) },
    credentials: {
      next({ type, generation, checked, error }: ObservedCredentials) {
        if (type === 'rejected') made.credentialRejections(1, errorAttributes(error));
        else if (type === 'swapped' && generation !== undefined) made.credentialGeneration(generation);
        else if (type === 'loaded' && checked !== undefined) made.credentialNotAfter(Number(checked.validTo) / 1_000);
      },
    },
    drained: {
      next({ outcome, ledger }: DrainedConnection) {
        made.drained(1, { 'rxtls.outcome': outcome });
        if (ledger.lost > 0) made.drainLoss(ledger.lost, { 'rxtls.outcome': outcome });
      },
    },
  });
}

function resolve(options: ConnectionMetricsOptions) {
  const own = ownOptions(options, ['role', 'attributes', 'meterFailed'], 'connectionMetrics');
  const { role = 'server', attributes = {}, meterFailed } = own as ConnectionMetricsOptions;
  if (role !== 'client' && role !== 'server') throw new ApiMisuseError("role must be 'client' or 'server'");
  if (typeof attributes !== 'object' || attributes === null)
    throw new ApiMisuseError('attributes must be an object of names and values');
  for (const [name, value] of Object.entries(attributes))
    if (!valueTypes.has(typeof value))
      throw new ApiMisuseError(`attributes: '${name}' must be a string, a number, or true or false`);
  if (meterFailed !== undefined && typeof meterFailed !== 'function')
    throw new ApiMisuseError('meterFailed must be a function of the error');
  return { role, attributes: Object.freeze({ ...attributes }), meterFailed };
}
