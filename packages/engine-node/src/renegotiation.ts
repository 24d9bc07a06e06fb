import {
  type Direction,
  LimitExceededError,
  type Limits,
  PeerMisbehavedError,
  type TlsEngineSink,
} from '@rxtls/core/engine';

/**
 * TLS 1.2 renegotiation (RFC 5746), which shows from outside as a handshake record after the handshake. Refused unless
 * allowed: the first attempt reaches OpenSSL, which was told to answer it with `no_renegotiation`; the next one is fatal
 * and OpenSSL never sees it. An allowed one must end with the certificate it began with (CVE-2009-3555).
 */
export class Renegotiation {
  readonly #allowed: Limits['renegotiation'];
  readonly #sink: Pick<TlsEngineSink, 'observed' | 'event'>;
  #begun = 0;
  #refused = 0;
  #running = false;

  constructor(allowed: Limits['renegotiation'], sink: Pick<TlsEngineSink, 'observed' | 'event'>) {
    this.#allowed = allowed;
    this.#sink = sink;
  }

  get isRunning(): boolean {
    return this.#running;
  }

  /** A handshake record came, or our own renegotiation starts. @throws LimitExceededError past what is allowed. */
  begin(direction: Direction): void {
    if (this.#running) return;
    if (this.#allowed === false) this.#refuseOnce(direction);
    else if (++this.#begun > this.#allowed.max) this.#exceeded(direction, `more than ${this.#allowed.max}`);
    else {
      this.#running = true;
      this.#tell(direction, 'allowed');
    }
  }

  /** @throws PeerMisbehavedError when the peer is somebody else now. */
  end(before: Uint8Array | undefined, after: Uint8Array | undefined): void {
    this.#running = false;
    const same =
      before === undefined ? after === undefined : after !== undefined && Buffer.compare(before, after) === 0;
    if (!same)
      throw new PeerMisbehavedError('the peer changed its certificate in a renegotiation', { alert: 'access_denied' });
  }

  #refuseOnce(direction: Direction): void {
    if (this.#refused++ > 0) this.#exceeded(direction, 'it was refused before');
    this.#tell(direction, 'refused');
  }

  #tell(direction: Direction, outcome: 'allowed' | 'refused'): void {
    if (this.#sink.observed) this.#sink.event({ type: 'renegotiation', direction, outcome });
  }

  #exceeded(direction: Direction, why: string): never {
    this.#tell(direction, 'refused');
    throw new LimitExceededError('renegotiation', `limits.renegotiation: ${why}`, { alert: 'no_renegotiation' });
  }
}
