import type { Limits, TlsEngineSink } from '@rxtls/core/engine';
import { LimitWatch } from '@rxtls/core/engine-parts';

/** The limits that node-forge does not hold. Observers hear of one once it is three quarters used. */
export class RecordLimits {
  readonly #limits: Limits;
  readonly #watch: LimitWatch;
  #handshakeBytes = 0;
  #emptyRecords = 0;
  #warnings = 0;

  constructor(limits: Limits, sink: Pick<TlsEngineSink, 'observed' | 'event'>) {
    this.#limits = limits;
    this.#watch = new LimitWatch(sink);
  }

  /** @throws LimitExceededError when all records of the handshake together are longer than allowed. */
  handshakeRecord(wireBytes: number): void {
    this.#handshakeBytes += wireBytes;
    this.#watch.hold('maxHandshakeBytes', this.#handshakeBytes, this.#limits.maxHandshakeBytes);
  }

  /** @throws LimitExceededError */
  emptyRecord(): void {
    this.#watch.hold('maxEmptyRecords', ++this.#emptyRecords, this.#limits.maxEmptyRecords);
  }

  recordWithPlaintext(): void {
    this.#emptyRecords = 0;
  }

  /** @throws LimitExceededError */
  warning(): void {
    this.#watch.hold('maxWarningAlerts', ++this.#warnings, this.#limits.maxWarningAlerts);
  }
}
