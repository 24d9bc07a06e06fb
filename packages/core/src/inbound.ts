// The road of a byte: transport → engine → plaintext → reader.
//
// What was taken from the transport and has not reached the reader is in one of three places: waiting for the engine, in
// the engine, or waiting for the reader. Together they stay under the read high-water mark (and one chunk): that is all the
// back-pressure there is, and it reaches the peer because the transport is not asked for more. Inside that window the engine
// gets everything, so control records are handled while nobody reads.

import { CreditSource } from './credit-source.ts';
import type { ByteSource } from './duplex.ts';
import {
  type Limits,
  maxCiphertextRecordBytes,
  recordHeaderBytes,
  type TlsEngine,
  TruncationError,
} from './engine/index.ts';
import { Fifo } from './fifo.ts';

/** An engine call takes at most this much, and an engine is given no more while it has this much. */
const sliceBytes = 65_536;
/** What a chunk that waits costs beside its bytes: a peer's one-byte records must not fill memory under a bound of bytes. */
const chunkCost = 128;
const maxWireRecordBytes = recordHeaderBytes + maxCiphertextRecordBytes.older;

/** What the inbound road asks of the stage. */
export interface InboundHost {
  readonly limits: Limits;
  /** The reader took bytes, asked for more, came or went. */
  readerChanged(): void;
  readerThrew(error: unknown): void;
  /** No transport may throw: one that does has failed. */
  readonly ending: { transportFailed(cause: unknown): void };
}

export class Inbound {
  /** Plaintext, for one reader at a time. */
  readonly reader: CreditSource;
  engine: TlsEngine | undefined;
  /** The transport has no more. */
  ended = false;
  /** Plaintext bytes the engine has delivered. */
  received = 0;
  /** The peer's close_notify has come: what follows is not TLS's. */
  #closed = false;
  /** Plaintext was dropped: its stream has an end that was not read, and cannot complete. */
  #isIncomplete = false;
  #endGiven = false;
  #isPaused = false;
  /** What the transport was asked for and has not brought. */
  #asked = 0;
  /** Received, not given to the engine. */
  readonly #waiting = new Fifo<Uint8Array>();
  #waitingBytes = 0;
  /** Given to the engine and not consumed, kept because close_notify may come before the last of it. */
  readonly #given = new Fifo<Uint8Array>();
  #givenBytes = 0;
  /** Of the first in `#given`, how much is consumed. */
  #consumedOfFirst = 0;
  readonly #host: InboundHost;
  readonly #source: ByteSource;

  constructor(host: InboundHost, source: ByteSource) {
    this.#host = host;
    this.#source = source;
    this.reader = new CreditSource({
      creditChanged: () => host.readerChanged(),
      readerThrew: (error) => host.readerThrew(error),
    });
  }

  /** What was taken from the transport and has not reached the reader, in bytes of memory. */
  get held(): number {
    return this.#waitingBytes + this.#givenBytes + this.#unread;
  }

  /** What waits for the reader, in bytes of memory. */
  get #unread(): number {
    return this.reader.held + this.reader.chunks * chunkCost;
  }

  /** The window is full because the reader does not read. */
  get isBlockedByReader(): boolean {
    return this.reader.held > 0 && this.held >= this.#host.limits.readHighWater;
  }

  /** The transport has ended and the engine is through with everything. */
  get isDrained(): boolean {
    return this.#endGiven && this.#givenBytes === 0;
  }

  /** A chunk from the transport; it is ours now. */
  receive(bytes: Uint8Array): void {
    this.#asked -= bytes.length;
    if (bytes.length === 0) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  /** The engine may be given a slice, or the end. */
  get hasWork(): boolean {
    if (this.engine === undefined || this.#closed) return false;
    return this.#waitingBytes > 0 ? this.#givenBytes < sliceBytes : this.ended && !this.#endGiven;
  }

  /**
   * Asks the transport for as much as there is room for, once the window is down to the low-water mark. What a chunk had
   * too much is a debt of credit that is paid with it.
   */
  ask(): void {
    if (this.#closed || this.ended) return;
    const { readHighWater, readLowWater } = this.#host.limits;
    const { held } = this;
    const needsMore = this.#asked <= 0 && this.#waitingBytes === 0 && this.reader.held === 0;
    if (held + Math.max(0, this.#asked) > readLowWater && !needsMore) return;
    // The engine alone has a part of a record: whatever the marks are, only the rest of it helps.
    const most = needsMore ? Math.max(readHighWater, maxWireRecordBytes) : readHighWater;
    const room = most - held - this.#asked;
    if (room <= 0) return;
    this.#asked += room;
    try {
      this.#source.request(room);
    } catch (cause) {
      this.#host.ending.transportFailed(cause);
    }
  }

  /** Gives the engine the next slice, or the end. Answers with the work done in bytes, or -1 when there is nothing to do. */
  step(): number {
    const engine = this.engine;
    if (engine === undefined || this.#closed) return -1;
    if (this.#balance(engine)) return 0; // what it says to that is heard first
    const chunk = this.#waiting.peek();
    if (chunk === undefined) {
      if (!this.ended || this.#endGiven) return -1;
      this.#endGiven = true;
      engine.receiveEnd();
      return 0;
    }
    if (this.#givenBytes >= sliceBytes) return -1;
    this.#waiting.shift();
    let slice = chunk;
    if (chunk.length > sliceBytes) {
      slice = chunk.subarray(0, sliceBytes);
      this.#waiting.unshift(chunk.subarray(sliceBytes));
    }
    this.#waitingBytes -= slice.length;
    this.#given.push(slice);
    this.#givenBytes += slice.length;
    engine.receiveCiphertext(slice);
    return slice.length;
  }

  /** The engine is through with this much more. Only counts: called from inside the engine. */
  consumed(bytes: number): void {
    this.#givenBytes -= bytes;
    this.#consumedOfFirst += bytes;
    for (let first = this.#given.peek(); first !== undefined && this.#consumedOfFirst >= first.length; ) {
      this.#consumedOfFirst -= first.length;
      this.#given.shift();
      first = this.#given.peek();
    }
  }

  plaintext(bytes: Uint8Array): void {
    this.received += bytes.length;
    this.reader.push(bytes);
  }

  /** Plaintext while `close()` waits: without a reader who wants it, it is dropped, and then all that follows is. */
  plaintextWhileClosing(bytes: Uint8Array): void {
    if (!this.#isIncomplete && this.reader.subscribed && this.reader.credit > 0) return this.plaintext(bytes);
    this.received += bytes.length;
    this.#isIncomplete = true;
  }

  /** Drops what waits for a reader. */
  discard(): void {
    if (this.reader.held === 0) return;
    this.#isIncomplete = true;
    this.reader.discard();
    if (this.reader.finished) this.endReader(true);
  }

  /** The reader's end: an error when `truncated`, or when something before it was dropped. */
  endReader(truncated: boolean): void {
    if (!truncated && !this.#isIncomplete) return this.reader.complete();
    const error = this.#isIncomplete
      ? new TruncationError(this.received, 'close() dropped plaintext that had not been read')
      : this.truncation();
    this.reader.fail(error, false);
  }

  /** The peer's close_notify. Answers with how many bytes after it have been taken from the transport. */
  closeNotify(): number {
    this.#closed = true;
    return this.#givenBytes + this.#waitingBytes;
  }

  /** What came after the peer's close_notify, in order. */
  takeRemainder(): Uint8Array[] {
    if (this.#asked < 0) this.#source.request(-this.#asked); // whoever reads on starts without our debt
    return this.#empty();
  }

  /** Forgets ciphertext that nobody will read. */
  forget(): void {
    this.#empty();
  }

  #empty(): Uint8Array[] {
    const remainder: Uint8Array[] = [];
    for (let chunk = this.#given.shift(); chunk !== undefined; chunk = this.#given.shift()) {
      remainder.push(chunk.subarray(this.#consumedOfFirst));
      this.#consumedOfFirst = 0;
    }
    for (let chunk = this.#waiting.shift(); chunk !== undefined; chunk = this.#waiting.shift()) remainder.push(chunk);
    this.#givenBytes = 0;
    this.#waitingBytes = 0;
    return remainder.filter((chunk) => chunk.length > 0);
  }

  truncation(): TruncationError {
    return new TruncationError(
      this.received,
      `the transport ended without close_notify after ${this.received} bytes of plaintext`,
    );
  }

  /** While more than a window of plaintext waits for the reader, the engine holds the rest back. Answers whether it goes on now. */
  #balance(engine: TlsEngine): boolean {
    const isFull = this.#unread >= this.#host.limits.readHighWater;
    if (isFull === this.#isPaused) return false;
    this.#isPaused = isFull;
    if (isFull) engine.pause();
    else engine.resume();
    return !isFull;
  }
}
