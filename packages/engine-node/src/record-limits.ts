import { contentType, type Limits, maxPlaintextRecordBytes, type TlsEngineSink } from '@rxtls/core/engine';
import { LimitWatch } from '@rxtls/core/engine-parts';

/**
 * The limits that can be kept by looking at records from outside. Each is checked before OpenSSL sees the record;
 * observers hear of a limit once it is three quarters used.
 */
export class RecordLimits {
  readonly #limits: Limits;
  readonly #clock: () => number;
  readonly #watch: LimitWatch;
  #handshakeBytes = 0;
  #silentRecords = 0;
  #warnings = 0;
  #received = 0;
  #sent = 0;
  #gcm = false;
  #tokens: number;
  #refilledAt: number;

  /** `clock`: milliseconds from any start, never going back. */
  constructor(limits: Limits, clock: () => number, sink: Pick<TlsEngineSink, 'observed' | 'event'>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#tokens = limits.postHandshakeMessages.burst;
    this.#refilledAt = clock();
    this.#watch = new LimitWatch(sink);
  }

  /** A handshake or a renegotiation begins. */
  startHandshake(): void {
    this.#handshakeBytes = 0;
  }

  /** New keys: AES-GCM's count of records starts anew (RFC 8446 §5.5). */
  startKeys(cipherSuite: string): void {
    this.#gcm = cipherSuite.includes('GCM');
    this.#received = 0;
    this.#sent = 0;
  }

  /** @throws LimitExceededError when all records of one handshake are longer than allowed. */
  handshakeRecord(wireBytes: number): void {
    this.#handshakeBytes += wireBytes;
    this.#watch.hold('maxHandshakeBytes', this.#handshakeBytes, this.#limits.maxHandshakeBytes);
  }

  /** @throws LimitExceededError when the peer has used its AES-GCM key too often. */
  protectedRecord(): void {
    if (this.#gcm) this.#watch.hold('maxAesGcmRecords', ++this.#received, this.#limits.maxAesGcmRecords - 1);
  }

  /** @throws LimitExceededError before plaintext of that length would use up our AES-GCM key. */
  beforeSending(plaintextBytes: number): void {
    const records = Math.ceil(plaintextBytes / maxPlaintextRecordBytes);
    if (this.#gcm) this.#watch.hold('maxAesGcmRecords', this.#sent + records, this.#limits.maxAesGcmRecords - 1);
  }

  recordSent(): void {
    this.#sent++;
  }

  recordWithPlaintext(): void {
    this.#silentRecords = 0;
  }

  /**
   * A record that gave no plaintext outside a handshake. TLS 1.3 hides whether it was empty, a ticket or a KeyUpdate;
   * in a row there is never a need for many of any of them.
   * @throws LimitExceededError
   */
  recordWithoutPlaintext(type: number): void {
    this.#watch.hold('maxEmptyRecords', ++this.#silentRecords, this.#limits.maxEmptyRecords);
    if (type === contentType.alert) this.warning();
  }

  /**
   * A TLS 1.3 record without plaintext is, to a peer that behaves, a ticket or a KeyUpdate: these have a rate, which
   * application data in between does not reset (CVE-2026-56862). Several messages in one record count once.
   * @throws LimitExceededError
   */
  postHandshakeRecord(): void {
    const { burst, perSecond } = this.#limits.postHandshakeMessages;
    const now = this.#clock();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#refilledAt) / 1000) * perSecond);
    this.#refilledAt = now;
    this.#tokens--;
    this.#watch.hold('postHandshakeMessages', Math.ceil(burst - this.#tokens), burst);
  }

  /** @throws LimitExceededError */
  warning(): void {
    this.#watch.hold('maxWarningAlerts', ++this.#warnings, this.#limits.maxWarningAlerts);
  }
}
