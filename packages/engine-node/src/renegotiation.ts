import {
  type Direction,
  LimitExceededError,
  type Limits,
  PeerMisbehavedError,
  type TlsEvent,
} from '@rxtls/core/engine';

/**
 * TLS 1.2 renegotiation (RFC 5746), which shows from outside as a handshake record after the handshake. Refused unless
 * allowed: the first attempt reaches OpenSSL, which was told to answer it with `no_renegotiation`; the next one is fatal
 * and OpenSSL never sees it. An allowed one must end with the certificate it began with (CVE-2009-3555).
 */
export class Renegotiation {
  readonly #allowed: Limits['renegotiation'];
  readonly #event: (event: TlsEvent) => void;
  #begun = 0;
  #refused = 0;
  #running = false;

  constructor(allowed: Limits['renegotiation'], event: (event: TlsEvent) => void) {
    this.#allowed = allowed;
    this.#event = event;
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
      this.#event({ type: 'renegotiation', direction, outcome: 'allowed' });
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
    this.#event({ type: 'renegotiation', direction, outcome: 'refused' });
  }

  #exceeded(direction: Direction, why: string): never {
    this.#event({ type: 'renegotiation', direction, outcome: 'refused' });
    throw new LimitExceededError('renegotiation', `limits.renegotiation: ${why}`, { alert: 'no_renegotiation' });
  }
}
