import { LimitExceededError, type Limits, type TlsError } from './engine/index.ts';

/** A connection whose ClientHello is complete and that wants a handshake slot. */
export interface Candidate {
  admitted(): void;
  /** It waits, as one of so many of at most so many. */
  waits(used: number, max: number): void;
  turnedAway(error: TlsError): void;
}

/**
 * Slots for handshakes. One is taken when a ClientHello is complete, so that silent sockets hold none; those that find none
 * free wait in order, and past the bound they are turned away before any cryptography.
 */
export class Admission {
  readonly #limits: Limits;
  /** In the order in which they came; who gives up is forgotten at once. */
  readonly #waiting: Set<Candidate> = new Set();
  #taken = 0;
  #isAdmitting = false;
  #isClosed = false;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  enter(candidate: Candidate): void {
    const { maxConcurrentHandshakes, maxWaitingHandshakes } = this.#limits;
    if (!this.#isClosed && this.#taken < maxConcurrentHandshakes && this.#waiting.size === 0) {
      this.#taken++;
      candidate.admitted();
    } else if (this.#waiting.size < maxWaitingHandshakes) {
      this.#waiting.add(candidate);
      candidate.waits(this.#waiting.size, maxWaitingHandshakes);
    } else {
      const limit = 'maxWaitingHandshakes';
      candidate.turnedAway(
        new LimitExceededError(limit, `${maxWaitingHandshakes} handshakes wait already (limits.${limit})`, {
          alert: 'internal_error',
        }),
      );
    }
  }

  /** A candidate that was admitted is through with its handshake, whatever came of it. */
  leave(): void {
    this.#taken--;
    if (this.#isAdmitting) return; // whoever is admitted below may fail at once: the loop goes on, the stack does not grow
    this.#isAdmitting = true;
    while (!this.#isClosed && this.#taken < this.#limits.maxConcurrentHandshakes) {
      const { value: next } = this.#waiting.values().next();
      if (next === undefined) break;
      this.#waiting.delete(next);
      this.#taken++;
      next.admitted();
    }
    this.#isAdmitting = false;
  }

  /** All are about to be cut: nobody gets a slot for that. */
  close(): void {
    this.#isClosed = true;
  }

  /** A candidate that waits has ended. */
  withdraw(candidate: Candidate): void {
    this.#waiting.delete(candidate);
  }
}
