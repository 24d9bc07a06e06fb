import type { MetricOptions } from '@opentelemetry/api';
import { RecordBytes } from './record-bytes.ts';
import type { Measure, SafeMeter } from './safe-meter.ts';

/** Where each number goes. */
export interface Instruments {
  readonly handshakeDuration: Measure;
  readonly activeHandshakes: Measure;
  readonly admissionDuration: Measure;
  readonly taskDuration: Measure;
  readonly connectionDuration: Measure;
  readonly activeConnections: Measure;
  readonly failures: Measure;
  readonly io: RecordBytes;
  readonly alerts: Measure;
  readonly tickets: Measure;
  readonly keyUpdates: Measure;
  readonly renegotiations: Measure;
  readonly limitWarnings: Measure;
  readonly credentialGeneration: Measure;
  readonly credentialNotAfter: Measure;
  readonly credentialRejections: Measure;
  readonly drained: Measure;
  readonly drainLoss: Measure;
}

/** The bounds of handshakes and tasks: from a resumed one on the same machine to one that nearly timed out. */
const handshakeSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** The bounds of connections: one request to a day. */
const connectionSeconds = [0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];

const seconds = (description: string, explicitBucketBoundaries: readonly number[]): MetricOptions => ({
  description,
  unit: 's',
  advice: { explicitBucketBoundaries: [...explicitBucketBoundaries] },
});

/** Every instrument. Names are ours: the namespace `tls` belongs to the conventions, which have no metrics of TLS. */
export const instruments = (meter: SafeMeter, role: 'client' | 'server'): Instruments => ({
  handshakeDuration: meter.histogram(
    `rxtls.${role}.handshake.duration`,
    seconds('From the start of a connection to the end of its handshake, well or not.', handshakeSeconds),
  ),
  activeHandshakes: meter.upDownCounter(`rxtls.${role}.handshake.active`, {
    description: 'Transports whose handshake is not over.',
    unit: '{handshake}',
  }),
  admissionDuration: meter.histogram(
    `rxtls.${role}.admission.duration`,
    seconds('The wait of a complete ClientHello for a handshake slot.', handshakeSeconds),
  ),
  taskDuration: meter.histogram(
    `rxtls.${role}.task.duration`,
    seconds("How long the application's own functions took in handshakes.", handshakeSeconds),
  ),
  connectionDuration: meter.histogram(
    `rxtls.${role}.connection.duration`,
    seconds('From the start of a connection whose handshake was done to its end.', connectionSeconds),
  ),
  activeConnections: meter.upDownCounter(`rxtls.${role}.connection.active`, {
    description: 'Connections whose handshake is done and that have not ended.',
    unit: '{connection}',
  }),
  failures: meter.counter(`rxtls.${role}.connection.failures`, {
    description: 'Connections that failed, before, in or after their handshake.',
    unit: '{failure}',
  }),
  io: new RecordBytes(
    meter.counter(`rxtls.${role}.io`, { description: 'Bytes of records, with their headers.', unit: 'By' }),
  ),
  alerts: meter.counter(`rxtls.${role}.alerts`, { description: 'Alerts.', unit: '{alert}' }),
  tickets: meter.counter(`rxtls.${role}.tickets`, { description: 'Session tickets.', unit: '{ticket}' }),
  keyUpdates: meter.counter(`rxtls.${role}.key_updates`, { description: 'KeyUpdates of TLS 1.3.', unit: '{update}' }),
  renegotiations: meter.counter(`rxtls.${role}.renegotiations`, {
    description: 'Renegotiations of TLS 1.2, allowed or refused.',
    unit: '{renegotiation}',
  }),
  limitWarnings: meter.counter(`rxtls.${role}.limit.warnings`, {
    description: 'Times that a limit was found to be three quarters used.',
    unit: '{warning}',
  }),
  credentialGeneration: meter.gauge(`rxtls.${role}.credential.generation`, {
    description: 'Which credentials new connections are served with, counted from 1.',
    unit: '{generation}',
  }),
  credentialNotAfter: meter.gauge(`rxtls.${role}.credential.not_after`, {
    description: 'When the first certificate of the chain that was loaded expires, in Unix time.',
    unit: 's',
  }),
  credentialRejections: meter.counter(`rxtls.${role}.credential.rejections`, {
    description: 'New credentials that could not be used: the last good ones go on.',
    unit: '{rejection}',
  }),
  drained: meter.counter(`rxtls.${role}.drain.connections`, {
    description: 'Connections that ended while their server drained.',
    unit: '{connection}',
  }),
  drainLoss: meter.counter(`rxtls.${role}.drain.loss`, {
    description: 'Bytes written to those that never reached the transport.',
    unit: 'By',
  }),
});
