import { LimitExceededError, type LimitName, type Limits, type TlsEvent } from '@rxtls/core/engine';

/** The limits that node-forge does not hold. Observers hear of one once it is three quarters used. */
export class RecordLimits {
  readonly #limits: Limits;
  readonly #event: (event: TlsEvent) => void;
  readonly #approached = new Set<LimitName>();
  #handshakeBytes = 0;
  #emptyRecords = 0;
  #warnings = 0;

  constructor(limits: Limits, event: (event: TlsEvent) => void) {
    this.#limits = limits;
    this.#event = event;
  }

  /** @throws LimitExceededError when all records of the handshake together are longer than allowed. */
  handshakeRecord(wireBytes: number): void {
    this.#handshakeBytes += wireBytes;
    this.#hold('maxHandshakeBytes', this.#handshakeBytes, this.#limits.maxHandshakeBytes);
  }

  /** @throws LimitExceededError */
  emptyRecord(): void {
    this.#hold('maxEmptyRecords', ++this.#emptyRecords, this.#limits.maxEmptyRecords);
  }

  recordWithPlaintext(): void {
    this.#emptyRecords = 0;
  }

  /** @throws LimitExceededError */
  warning(): void {
    this.#hold('maxWarningAlerts', ++this.#warnings, this.#limits.maxWarningAlerts);
  }

  #hold(limit: LimitName, used: number, max: number): void {
    if (used > max) throw new LimitExceededError(limit, `limits.${limit}: more than ${max}`);
    if (used < max * 0.75 || this.#approached.has(limit)) return;
    this.#approached.add(limit);
    this.#event({ type: 'limit', limit, used, max });
  }
}
