import { Duplex } from 'node:stream';

/** What the wire tells the engine. All calls are synchronous. */
export interface MemoryWireEvents {
  /** Bytes OpenSSL wants on the wire. */
  written(bytes: Uint8Array): void;
  /** OpenSSL reads: bytes fed from now on reach it inside {@link MemoryWire.feed}. */
  reading(): void;
}

type WriteDone = (error?: Error | null) => void;

/**
 * The duplex that stands where a socket would. Its readable side never ends: Node shows a close_notify and the end of
 * its transport by the same 'end', so the transport's end is kept from it, and an 'end' can only be a close_notify.
 */
export class MemoryWire extends Duplex {
  readonly #events: MemoryWireEvents;
  #reading = false;
  /** Nothing can be fed, or what was fed has not gone in, until Node reads. */
  #isAwaited = true;
  #emptyWrites = 0;

  constructor(events: MemoryWireEvents) {
    super({ allowHalfOpen: true, autoDestroy: false, decodeStrings: true });
    this.#events = events;
    this.on('error', () => undefined);
    // Then what has waited goes in; Node does not ask for more once it is through.
    this.on('resume', () => process.nextTick(() => this.#tell()));
  }

  /** Node has begun to read. Before that, bytes would wait in the stream and be handed over in a later turn. */
  get isReading(): boolean {
    return this.#reading && this.#emptyWrites === 0;
  }

  /** Hands bytes to OpenSSL. False when they wait in the stream; `reading` is called when they are through. */
  feed(bytes: Uint8Array): boolean {
    this.push(bytes);
    this.#isAwaited = this.readableLength > 0;
    return !this.#isAwaited;
  }

  override _read(): void {
    this.#reading = true;
    this.#tell();
  }

  #tell(): void {
    if (!this.#isAwaited || !this.#reading || this.readableLength > 0) return;
    this.#isAwaited = false;
    this.#events.reading();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    if (chunk.length === 0) this.#holdBack();
    else this.#events.written(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    done();
  }

  /**
   * Asked for a new key after its close_notify, OpenSSL answers all the same (Node has ended the stream by then). What stands
   * behind a close_notify is read by nobody (RFC 8446 §6.1), so it is dropped; an error would end what still comes in.
   */
  override write(chunk: unknown, second?: BufferEncoding | WriteDone, third?: WriteDone): boolean {
    if (this.writableEnded) {
      const done = typeof second === 'function' ? second : third;
      done?.();
      return true;
    }
    return typeof second === 'string' ? super.write(chunk, second, third) : super.write(chunk, second);
  }

  /**
   * `renegotiate` writes nothing, twice. Node's adapter of streams takes one write at a time and asserts it, but its TLS does
   * not count an empty one: should OpenSSL write before that is over, the assertion ends the process. So until then, which
   * is two turns, OpenSSL is given nothing that it could answer.
   */
  #holdBack(): void {
    this.#emptyWrites++;
    setImmediate(() =>
      setImmediate(() => {
        this.#emptyWrites--;
        this.#events.reading();
      }),
    );
  }
}
