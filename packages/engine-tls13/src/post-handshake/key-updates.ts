import type { TlsHost } from '@rxtls/core/engine';
import type { LimitWatch } from '@rxtls/core/engine-parts';
import { TokenBucket } from './token-bucket.ts';

/**
 * What is owed and outstanding of KeyUpdates (RFC 8446 §4.6.3): at most one request of ours is open, and however often the
 * peer asks, one answer is enough until we send application data again.
 */
export class KeyUpdates {
  readonly #received: TokenBucket;
  #requested = false;
  #owed = false;
  #answered = false;

  constructor(host: TlsHost, watch: LimitWatch) {
    this.#received = new TokenBucket('keyUpdates', host, watch);
  }

  /** Whether this update may ask the peer for one: not while an earlier request is open. */
  request(asked: boolean): boolean {
    if (!asked || this.#requested) return false;
    this.#requested = true;
    return true;
  }

  /**
   * The peer has updated. True when we answer at once: it asked, and since our last application data we have not answered.
   * @throws LimitExceededError
   */
  received(updateRequested: boolean): boolean {
    this.#received.take();
    this.#requested = false;
    if (!updateRequested) return false;
    if (this.#answered) {
      this.#owed = true;
      return false;
    }
    this.#answered = true;
    return true;
  }

  /**
   * RFC 8446 §4.6.3: the answer goes out "prior to sending its next Application Data record". True when one is owed now.
   */
  beforeApplicationData(): boolean {
    const owed = this.#owed;
    this.#owed = false;
    this.#answered = false;
    return owed;
  }
}
