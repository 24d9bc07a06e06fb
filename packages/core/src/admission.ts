import { LimitExceededError, type Limits, type TlsError } from './engine/index.ts';
import { Fifo } from './fifo.ts';

/** A connection whose ClientHello is complete and that wants a handshake slot. */
export interface Candidate {
  admitted(): void;
  turnedAway(error: TlsError): void;
}

/**
 * Slots for handshakes. One is taken when a ClientHello is complete, so that silent sockets hold none; those that find none
 * free wait in order, and past the bound they are turned away before any cryptography.
 */
export class Admission {
  readonly #limits: Limits;
  readonly #waiting = new Fifo<Candidate>();
  readonly #gone = new WeakSet<Candidate>();
  #taken = 0;
  #live = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  enter(candidate: Candidate): void {
    if (this.#taken < this.#limits.maxConcurrentHandshakes) {
      this.#taken++;
      candidate.admitted();
    } else if (this.#live < this.#limits.maxWaitingHandshakes) {
      this.#live++;
      this.#waiting.push(candidate);
    } else {
      const limit = 'maxWaitingHandshakes';
      candidate.turnedAway(
        new LimitExceededError(limit, `${this.#limits[limit]} handshakes wait already (limits.${limit})`, {
          alert: 'internal_error',
        }),
      );
    }
  }

  /** A candidate that was admitted is through with its handshake, whatever came of it. */
  leave(): void {
    this.#taken--;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#gone.delete(next)) continue;
      this.#live--;
      this.#taken++;
      next.admitted();
      return;
    }
  }

  /** A candidate that waits has ended. */
  withdraw(candidate: Candidate): void {
    this.#live--;
    this.#gone.add(candidate);
  }
}
