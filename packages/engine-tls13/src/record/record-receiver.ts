import {
  contentType,
  LimitExceededError,
  type Limits,
  PeerMisbehavedError,
  recordHeaderBytes,
} from '@rxtls/core/engine';
import { type LimitWatch, RecordReader } from '@rxtls/core/engine-parts';
import { maxInnerBytes } from './inner-limit.ts';
import type { RecordProtection } from './record-protection.ts';

/** A record received: of what type, with what content, and how long on the wire. One object serves all of a connection's. */
export interface ReceivedRecord {
  /** The content type inside the protection, where there is one. */
  type: number;
  /** The content type that the wire shows. */
  outerType: number;
  content: Uint8Array;
  wireBytes: number;
}

/** RFC 8446 §4.2.10 leaves to the server how much early data it skips: in bytes on the wire. */
const mostEarlyData = 16_384;
const none = new Uint8Array(0);

/**
 * The road into the record layer: cuts the stream, opens what is protected, and drops what RFC 8446 has dropped: a
 * ChangeCipherSpec for middleboxes (§5, §D.4), early data that was refused (§4.2.10). An answer is overwritten by the next.
 */
export class RecordReceiver {
  readonly #reader = new RecordReader();
  readonly #limits: Limits;
  readonly #watch: LimitWatch;
  readonly #record: ReceivedRecord = { type: 0, outerType: 0, content: none, wireBytes: 0 };
  #protection: RecordProtection | undefined;
  #maxInner = maxInnerBytes;
  /** Bytes of early data that may still be skipped; undefined while none is expected. */
  #earlyData: number | undefined;
  #dropped = 0;
  /** A hello has gone or come, and the peer's Finished has not: a ChangeCipherSpec is dropped. */
  mayChangeCipherSpec = false;

  constructor(limits: Limits, watch: LimitWatch) {
    this.#limits = limits;
    this.#watch = watch;
  }

  get protection(): RecordProtection | undefined {
    return this.#protection;
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes);
  }

  /** Forgets what is left, and says how many bytes it was. */
  clear(): number {
    return this.#reader.clear();
  }

  /** From now on records are protected so. The old keys are wiped. */
  protect(protection: RecordProtection): void {
    this.#protection?.wipe();
    this.#protection = protection;
  }

  /** Our own record_size_limit (RFC 8449 §4). */
  limitTo(recordSizeLimit: number): void {
    this.#maxInner = Math.min(maxInnerBytes, recordSizeLimit);
  }

  /** Early data may come, until a record opens or {@link endEarlyData}. */
  skipEarlyData(): void {
    this.#earlyData = mostEarlyData;
  }

  /** A second ClientHello has come: none can follow it. */
  endEarlyData(): void {
    this.#earlyData = undefined;
  }

  /** The next record; a dropped one has no content and type 20. Undefined while it is incomplete. */
  next(): ReceivedRecord | undefined {
    const raw = this.#reader.next(this.#protection === undefined ? 'clear' : 'tls13');
    if (raw === undefined) {
      // An idle connection holds no plaintext.
      this.#record.content = none;
      this.#protection?.forget();
      return undefined;
    }
    const record = this.#record;
    record.outerType = raw.type;
    record.type = raw.type;
    record.wireBytes = raw.bytes.length;
    if (raw.type === contentType.changeCipherSpec) this.#changeCipherSpec(raw.bytes);
    else if (raw.type === contentType.applicationData) this.#protected(raw.bytes);
    else this.#clear(raw.type, raw.bytes);
    return record;
  }

  wipe(): void {
    this.#reader.clear();
    this.#protection?.wipe();
    this.#record.content = none;
  }

  #drop(): void {
    this.#record.type = contentType.changeCipherSpec;
    this.#record.content = none;
  }

  #changeCipherSpec(bytes: Uint8Array): void {
    // RFC 8446 §5: one "consisting of the single byte value 0x01" is dropped "at any time after the first ClientHello message has been sent or received and before the peer's Finished message has been received"; any other is "unexpected_message".
    if (!this.mayChangeCipherSpec || bytes.length !== recordHeaderBytes + 1 || bytes[recordHeaderBytes] !== 1)
      throw new PeerMisbehavedError('a ChangeCipherSpec where it may not be, or of another value', {
        alert: 'unexpected_message',
      });
    this.#watch.hold('maxEmptyRecords', ++this.#dropped, this.#limits.maxEmptyRecords);
    this.#drop();
  }

  #protected(bytes: Uint8Array): void {
    const opened = this.#protection?.open(bytes, this.#maxInner);
    if (opened === undefined) {
      this.#skip(bytes.length);
      return;
    }
    this.#earlyData = undefined;
    // RFC 8446 §5: "An implementation which receives ... a protected change_cipher_spec record MUST abort the handshake with an "unexpected_message" alert."
    if (opened.type === contentType.changeCipherSpec)
      throw new PeerMisbehavedError('a protected ChangeCipherSpec', { alert: 'unexpected_message' });
    this.#record.type = opened.type;
    this.#record.content = opened.content;
  }

  /** RFC 8446 §4.2.10: a server that refuses early data "skips past [it] by attempting to deprotect received records ..., discarding records which fail deprotection (up to the configured max_early_data_size)". */
  #skip(wireBytes: number): void {
    if (this.#earlyData === undefined) {
      // RFC 8446 §5.2: "If the decryption fails, the receiver MUST terminate the connection with a "bad_record_mac" alert."; §5: application data in the clear is none.
      throw this.#protection === undefined
        ? new PeerMisbehavedError('application data before there are keys', { alert: 'unexpected_message' })
        : new PeerMisbehavedError('a record does not authenticate', { alert: 'bad_record_mac' });
    }
    this.#earlyData -= wireBytes;
    if (this.#earlyData < 0)
      throw new LimitExceededError(
        'maxHandshakeBytes',
        `more than ${mostEarlyData} bytes of early data were to be skipped`,
        {
          alert: 'unexpected_message',
        },
      );
    this.#drop();
  }

  #clear(type: number, bytes: Uint8Array): void {
    const content = bytes.subarray(recordHeaderBytes);
    // A peer that could not make our keys says so in the clear; past its first protected record nothing is in the clear.
    const isEarlyAlert = type === contentType.alert && this.#protection?.epoch === 0 && this.#protection.records === 0;
    if (this.#protection !== undefined && !isEarlyAlert)
      // RFC 8446 §5: records of other types than those "MUST" be protected: "unexpected_message".
      throw new PeerMisbehavedError('a record in the clear where all are protected', { alert: 'unexpected_message' });
    this.#record.content = content;
  }
}
