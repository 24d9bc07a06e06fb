import { type RecordBound, RecordReader, type WireRecord } from '@rxtls/core/engine-parts';
import type { MemoryWire } from './memory-wire.ts';

/** What the feed needs from the engine it belongs to. */
export interface RecordFeedOwner {
  readonly wire: MemoryWire;
  /** False once the peer has closed or the engine is gone: the rest is not TLS's. */
  mayFeed(): boolean;
  recordBound(): RecordBound;
  /** All that is decided by a record's outside, before OpenSSL sees it. Throws to refuse it. */
  admit(record: WireRecord): void;
  /** Gives OpenSSL the bytes. False when they wait, since Node does not read. */
  feed(bytes: Uint8Array): boolean;
  /** OpenSSL is through with the record. */
  settled(record: WireRecord, gavePlaintext: boolean): void;
  /** The transport has ended and OpenSSL is through with every whole record; these bytes of a partial one are left. */
  drained(rest: number): void;
  /** Runs a call whose exceptions end the connection. */
  guard(call: () => void): void;
}

/**
 * Feeds OpenSSL one record at a time. Plaintext comes out inside the call; a close_notify shows as 'end' in the first
 * tick after it. So after a record without plaintext a tick passes before the next one goes in, and the engine knows
 * of every record what came of it, and after which one the peer's half was over.
 */
export class RecordFeed {
  readonly #owner: RecordFeedOwner;
  readonly #reader = new RecordReader();
  #busy = false;
  #ended = false;
  #gavePlaintext = false;
  /** It lies in the wire, since Node does not read. */
  #waiting: WireRecord | undefined;

  constructor(owner: RecordFeedOwner) {
    this.#owner = owner;
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes);
  }

  clear(): void {
    this.#reader.clear();
  }

  /** No more bytes will come. Before OpenSSL is there, it will never be: what came is given up. */
  end(hasOpenSsl: boolean): void {
    this.#ended = true;
    if (hasOpenSsl) this.pump();
    else this.#drained();
  }

  /** The record being fed gives plaintext. */
  sawPlaintext(): void {
    this.#gavePlaintext = true;
  }

  pump(): void {
    this.#owner.guard(this.#pump);
  }

  readonly #pump = (): void => {
    const { wire } = this.#owner;
    while (!this.#busy && wire.isReading && this.#owner.mayFeed()) {
      const record = this.#reader.next(this.#owner.recordBound());
      if (record === undefined) return this.#drained();
      this.#owner.admit(record);
      this.#feed(record);
    }
  };

  /** Node reads again, or for the first time. */
  goOn(): void {
    const record = this.#waiting;
    if (record === undefined) this.pump();
    else this.#settle(record);
  }

  #drained(): void {
    if (!this.#ended) return;
    this.#ended = false;
    this.#owner.drained(this.#reader.clear());
  }

  #feed(record: WireRecord): void {
    this.#busy = true;
    this.#gavePlaintext = false;
    const isThrough = this.#owner.feed(record.bytes);
    if (isThrough && this.#gavePlaintext) this.#settled(record);
    else process.nextTick(() => this.#settle(record));
  }

  #settle(record: WireRecord): void {
    this.#waiting = this.#owner.wire.readableLength > 0 ? record : undefined;
    if (this.#waiting !== undefined) return;
    this.#owner.guard(() => this.#settled(record));
    this.pump();
  }

  #settled(record: WireRecord): void {
    this.#busy = false;
    this.#owner.settled(record, this.#gavePlaintext);
  }
}
