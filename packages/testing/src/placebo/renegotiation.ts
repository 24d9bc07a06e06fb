import { LimitExceededError, type Limits, type TlsEvent, type TlsRole } from '@rxtls/core/engine';
import type { ResolvedPlaceboOptions } from './placebo-options.ts';
import { placeboMessage, placeboRecords } from './placebo-records.ts';

/** What a renegotiation asks of the connection around it. */
export interface RenegotiationSteps {
  send(record: Uint8Array): void;
  event(event: TlsEvent): void;
  /** New "keys": the next record has a new epoch. */
  rekeyed(): void;
}

/**
 * TLS 1.2's second handshake, the placebo way: from its first message until the peer's last nothing may be sent, so a
 * write needs a read and a read may need a write. The peer's are refused unless `limits.renegotiation` allows them.
 */
export class Renegotiation {
  readonly #role: TlsRole;
  readonly #options: ResolvedPlaceboOptions;
  readonly #allowed: number;
  readonly #steps: RenegotiationSteps;
  #state: 'none' | 'asked' | 'running' = 'none';
  #begun = 0;
  #refused = false;

  constructor(role: TlsRole, options: ResolvedPlaceboOptions, limits: Limits, steps: RenegotiationSteps) {
    this.#role = role;
    this.#options = options;
    this.#allowed = limits.renegotiation === false ? 0 : limits.renegotiation.max;
    this.#steps = steps;
  }

  /** While true the engine answers a write with WANT_READ. */
  get active(): boolean {
    return this.#state !== 'none';
  }

  start(): void {
    if (this.#state !== 'none') return;
    this.#steps.event({ type: 'renegotiation', direction: 'sent', outcome: 'allowed' });
    if (this.#role === 'client') this.#hello();
    else {
      this.#state = 'asked';
      this.#steps.send(placeboRecords.helloRequest());
    }
  }

  /** True when the message was a part of renegotiation. */
  message(type: number): boolean {
    if (this.#role === 'client') return this.#fromServer(type);
    return this.#fromClient(type);
  }

  /** The peer's no_renegotiation; true when it answers ours. */
  refusedByPeer(): boolean {
    if (this.#state === 'none') return false;
    this.#state = 'none';
    this.#steps.event({ type: 'renegotiation', direction: 'sent', outcome: 'refused' });
    return true;
  }

  #fromServer(type: number): boolean {
    if (type === placeboMessage.helloRequest) {
      // RFC 5246 §7.4.1.1: "This message will be ignored by the client if the client is currently negotiating a session."
      if (this.#state === 'none' && this.#admit()) this.#hello();
      return true;
    }
    if (type !== placeboMessage.serverHello || this.#state !== 'running') return false;
    this.#steps.send(placeboRecords.finished());
    this.#finish();
    return true;
  }

  #fromClient(type: number): boolean {
    if (type === placeboMessage.clientHello && this.#state !== 'running') {
      if (this.#state !== 'asked' && !this.#admit()) return true;
      this.#state = 'running';
      this.#steps.send(placeboRecords.serverFlight(1, true));
      return true;
    }
    if (type !== placeboMessage.finished || this.#state !== 'running') return false;
    this.#finish();
    return true;
  }

  #hello(): void {
    this.#state = 'running';
    this.#steps.send(placeboRecords.clientHello(this.#options));
  }

  #admit(): boolean {
    const allowed = this.#begun < this.#allowed;
    // Refused once politely, then the peer is cut off: asking again and again is an attack (CVE-2011-1473).
    if (!allowed && this.#refused)
      throw new LimitExceededError('renegotiation', 'the peer asked again for a renegotiation that was refused');
    this.#begun += 1;
    this.#steps.event({ type: 'renegotiation', direction: 'received', outcome: allowed ? 'allowed' : 'refused' });
    if (allowed) return true;
    this.#refused = true;
    this.#steps.send(placeboRecords.alert('warning', 'no_renegotiation'));
    return false;
  }

  #finish(): void {
    this.#state = 'none';
    this.#steps.rekeyed();
  }
}
