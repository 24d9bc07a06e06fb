import { recordHeaderBytes, type TlsEvent } from '@rxtls/core/engine';
import type { MetricsAttributes } from './connection-metrics.ts';
import { errorAttributes } from './error-attributes.ts';
import type { Instruments } from './instruments.ts';
import { direction } from './record-bytes.ts';

type Handshake = Extract<TlsEvent, { readonly type: 'handshake' }>;
type Negotiated = Extract<Handshake, { readonly step: 'negotiated' }>;

/** One connection, from its first byte to its end. */
export class ObservedConnection {
  readonly #instruments: Instruments;
  #state: 'handshake' | 'open' | 'over' = 'handshake';
  /** When the ClientHello was complete, in milliseconds of the connection. */
  #helloAt = 0;
  #version: MetricsAttributes = {};

  constructor(instruments: Instruments) {
    this.#instruments = instruments;
    instruments.activeHandshakes(1);
  }

  next(event: TlsEvent): void {
    const { io, alerts, tickets, keyUpdates, renegotiations, limitWarnings, taskDuration } = this.#instruments;
    if (event.type === 'record') return io.add(event.direction, event.bytes + recordHeaderBytes);
    io.flush();
    switch (event.type) {
      case 'handshake':
        return this.#handshake(event);
      case 'task':
        return taskDuration(event.milliseconds / 1_000, { 'rxtls.task': event.name, 'rxtls.outcome': event.outcome });
      case 'alert':
        return alerts(1, {
          ...direction[event.direction],
          'rxtls.alert.level': event.level,
          // A number that no RFC knows is the peer's to choose: not a series of its own for each.
          'rxtls.alert.description': typeof event.description === 'string' ? event.description : 'unknown',
        });
      case 'ticket':
        return tickets(1, {
          ...direction[event.direction],
          ...(event.kept !== undefined && { 'rxtls.ticket.kept': event.kept }),
        });
      case 'key-update':
        return keyUpdates(1, direction[event.direction]);
      case 'renegotiation':
        return renegotiations(1, { ...direction[event.direction], 'rxtls.outcome': event.outcome });
      case 'limit':
        return limitWarnings(1, { 'rxtls.limit': event.limit });
      case 'ended':
        return this.#ended(event.milliseconds / 1_000, event.error);
      case 'keylog':
      case 'ignored':
    }
  }

  /** Also of a connection that was over before it could say so. */
  complete(): void {
    this.#leave();
  }

  #handshake(event: Handshake): void {
    const { handshakeDuration, admissionDuration, activeHandshakes, activeConnections } = this.#instruments;
    if (event.step === 'negotiated') {
      this.#version = Object.freeze({ 'tls.protocol.version': event.version.slice('TLSv'.length) });
      this.#state = 'open';
      activeHandshakes(-1);
      activeConnections(1);
      handshakeDuration(event.milliseconds / 1_000, { ...this.#version, ...agreed(event) });
    } else if (event.step === 'admitted') admissionDuration((event.milliseconds - this.#helloAt) / 1_000);
    else this.#helloAt = event.milliseconds;
  }

  #ended(seconds: number, error: unknown): void {
    const { handshakeDuration, connectionDuration } = this.#instruments;
    const why = error === undefined ? {} : errorAttributes(error);
    if (this.#state === 'handshake') handshakeDuration(seconds, { 'tls.established': false, ...why });
    else if (this.#state === 'open') connectionDuration(seconds, { ...this.#version, ...why });
    this.#leave();
  }

  #leave(): void {
    const { activeHandshakes, activeConnections } = this.#instruments;
    if (this.#state === 'handshake') activeHandshakes(-1);
    else if (this.#state === 'open') activeConnections(-1);
    this.#state = 'over';
  }
}

const agreed = ({ cipherSuite, group, resumed }: Negotiated): MetricsAttributes => ({
  'tls.established': true,
  'tls.cipher': cipherSuite,
  'tls.resumed': resumed,
  ...(group !== undefined && { 'tls.curve': group }),
});
