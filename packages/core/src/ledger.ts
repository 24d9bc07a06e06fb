/** Where every byte ever written is, in bytes of plaintext. `accepted = flushed + lost + outstanding`, always. */
export interface Ledger {
  /** Taken into the queue. */
  readonly accepted: number;
  /** Turned into ciphertext; counts what was flushed or lost later too. */
  readonly sealed: number;
  /** Taken by the transport. */
  readonly flushed: number;
  /** Never taken into the queue. */
  readonly refused: number;
  /** Accepted, and never taken by the transport. */
  readonly lost: number;
  readonly outstanding: number;
}

/** The ledger while it is being written. */
export class LedgerBook {
  accepted = 0;
  sealed = 0;
  flushed = 0;
  refused = 0;
  lost = 0;

  get outstanding(): number {
    return this.accepted - this.flushed - this.lost;
  }

  snapshot(): Ledger {
    const { accepted, sealed, flushed, refused, lost, outstanding } = this;
    return { accepted, sealed, flushed, refused, lost, outstanding };
  }
}

export const sameLedger = (a: Ledger, b: Ledger): boolean =>
  a.accepted === b.accepted &&
  a.sealed === b.sealed &&
  a.flushed === b.flushed &&
  a.refused === b.refused &&
  a.lost === b.lost;
