import {
  type AlertDescription,
  alertNumber,
  contentType,
  type ContentTypeName,
  EngineFailureError,
  maxPlaintextRecordBytes,
  type RecordRange,
  recordHeaderBytes,
} from '@rxtls/core/engine';
import { maxInnerBytes } from './inner-limit.ts';
import { type RecordProtection, tagBytes } from './record-protection.ts';

/** Zeros to add to a record of that type and content length (RFC 8446 §5.4): a whole number of bytes, cut to what fits. */
export type RecordPadding = (contentType: ContentTypeName, contentBytes: number) => number;

/** Where records go. */
export interface RecordOutlet {
  /** Whole records; the array is the receiver's from now on. */
  ciphertext(bytes: Uint8Array): void;
  /** One record in what was handed over; called only while `observed`. */
  sent(outer: ContentTypeName, inner: ContentTypeName, bytes: number): void;
  readonly observed: boolean;
}

/** TLSInnerPlaintext's content type without padding, made once for each type. */
const bareTrailer: Readonly<Partial<Record<ContentTypeName, Uint8Array>>> = {
  alert: Uint8Array.of(contentType.alert),
  handshake: Uint8Array.of(contentType.handshake),
  applicationData: Uint8Array.of(contentType.applicationData),
};

const overhead = recordHeaderBytes + 1 + tagBytes;

/**
 * The road out of the record layer: fragments, protects and hands over. Several records of one call share one fresh
 * array, and handshake messages of one flight share records; `flush` ends a flight.
 */
export class RecordSender {
  readonly #outlet: RecordOutlet;
  readonly #padding: RecordPadding | undefined;
  #protection: RecordProtection | undefined;
  #maxInner = maxInnerBytes;
  #flight: Uint8Array[] = [];
  #minorVersion: number;

  /**
   * `sendsFirst`: RFC 8446 §5.1: legacy_record_version "MUST be set to 0x0303 for all records ... other than an initial
   * ClientHello ..., where it MAY also be 0x0301 for compatibility purposes".
   */
  constructor(outlet: RecordOutlet, padding: RecordPadding | undefined, sendsFirst: boolean) {
    this.#outlet = outlet;
    this.#padding = padding;
    this.#minorVersion = sendsFirst ? 1 : 3;
  }

  get protection(): RecordProtection | undefined {
    return this.#protection;
  }

  /** The most content that a protected record takes. */
  get contentBytes(): number {
    return this.#maxInner - 1;
  }

  /** From now on records are protected so; what was sent before goes out first. The old keys are wiped. */
  protect(protection: RecordProtection): void {
    this.flush();
    this.#protection?.wipe();
    this.#protection = protection;
  }

  /** The peer's record_size_limit (RFC 8449 §4): of protected records, type and padding included. */
  limitTo(recordSizeLimit: number): void {
    this.#maxInner = Math.min(maxInnerBytes, recordSizeLimit);
  }

  /** The message, for the transcript. */
  handshake(message: Uint8Array): Uint8Array {
    this.#flight.push(message);
    return message;
  }

  /** Sends the handshake messages that wait. */
  flush(): void {
    if (this.#flight.length === 0) return;
    const messages = this.#flight;
    this.#flight = [];
    this.#send('handshake', messages.length === 1 ? messages[0]! : joined(messages));
    this.#minorVersion = 3;
  }

  /** RFC 8446 §D.4: one byte of value 1, never protected, for middleboxes. */
  changeCipherSpec(): void {
    this.flush();
    this.#outlet.ciphertext(Uint8Array.of(contentType.changeCipherSpec, 3, 3, 0, 1, 1));
    if (this.#outlet.observed) this.#outlet.sent('changeCipherSpec', 'changeCipherSpec', 1);
  }

  alert(level: 'warning' | 'fatal', description: AlertDescription): void {
    this.flush();
    this.#minorVersion = 3;
    this.#send('alert', Uint8Array.of(level === 'warning' ? 1 : 2, alertNumber[description]));
  }

  /** Application data, only under protection. Says which records carry it. */
  plaintext(bytes: Uint8Array): RecordRange {
    this.flush();
    const protection = this.#protection!;
    const first = BigInt(protection.records);
    this.#send('applicationData', bytes);
    return { epoch: protection.epoch, first, last: BigInt(protection.records - 1) };
  }

  wipe(): void {
    this.#flight = [];
    this.#protection?.wipe();
  }

  #send(type: ContentTypeName, bytes: Uint8Array): void {
    if (this.#protection === undefined) this.#sendClear(type, bytes);
    else if (this.#padding === undefined) this.#sendProtected(this.#protection, type, bytes);
    else this.#sendPadded(this.#protection, this.#padding, type, bytes);
  }

  #sendClear(type: ContentTypeName, bytes: Uint8Array): void {
    const records = Math.ceil(bytes.length / maxPlaintextRecordBytes);
    const out = new Uint8Array(bytes.length + records * recordHeaderBytes);
    for (let at = 0, from = 0; from < bytes.length; from += maxPlaintextRecordBytes) {
      const fragment = bytes.subarray(from, from + maxPlaintextRecordBytes);
      out[at] = contentType[type];
      out[at + 1] = 3;
      out[at + 2] = this.#minorVersion;
      out[at + 3] = fragment.length >> 8;
      out[at + 4] = fragment.length;
      out.set(fragment, at + recordHeaderBytes);
      at += recordHeaderBytes + fragment.length;
    }
    this.#outlet.ciphertext(out);
    if (this.#outlet.observed) this.#report(type, type, bytes.length, maxPlaintextRecordBytes, 0);
  }

  #sendProtected(protection: RecordProtection, type: ContentTypeName, bytes: Uint8Array): void {
    const most = this.#maxInner - 1;
    const records = Math.ceil(bytes.length / most);
    const out = new Uint8Array(bytes.length + records * overhead);
    const trailer = bareTrailer[type]!;
    if (records === 1) protection.seal(bytes, trailer, out, 0);
    else
      for (let at = 0, from = 0; from < bytes.length; from += most, at += most + overhead)
        protection.seal(bytes.subarray(from, from + most), trailer, out, at);
    this.#outlet.ciphertext(out);
    if (this.#outlet.observed) this.#report('applicationData', type, bytes.length, most, 1 + tagBytes);
  }

  #sendPadded(protection: RecordProtection, padding: RecordPadding, type: ContentTypeName, bytes: Uint8Array): void {
    const most = this.#maxInner - 1;
    for (let from = 0; from < bytes.length; from += most) {
      const content = bytes.subarray(from, from + most);
      const zeros = Math.min(paddingFor(padding, type, content.length), most - content.length);
      const trailer = new Uint8Array(1 + zeros);
      trailer[0] = contentType[type];
      const out = new Uint8Array(content.length + zeros + overhead);
      protection.seal(content, trailer, out, 0);
      this.#outlet.ciphertext(out);
      if (this.#outlet.observed) this.#outlet.sent('applicationData', type, out.length - recordHeaderBytes);
    }
  }

  #report(outer: ContentTypeName, inner: ContentTypeName, bytes: number, most: number, added: number): void {
    for (let from = 0; from < bytes; from += most)
      this.#outlet.sent(outer, inner, Math.min(most, bytes - from) + added);
  }
}

function paddingFor(padding: RecordPadding, type: ContentTypeName, bytes: number): number {
  let zeros: unknown;
  try {
    zeros = padding(type, bytes);
  } catch (cause) {
    throw new EngineFailureError('padding threw', { cause });
  }
  if (typeof zeros === 'number' && Number.isSafeInteger(zeros) && zeros >= 0) return zeros;
  throw new EngineFailureError('padding must give a whole number of bytes');
}

function joined(messages: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(messages.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const message of messages) {
    all.set(message, at);
    at += message.length;
  }
  return all;
}
