import { Fifo } from '@rxtls/core';
import { ApiMisuseError, type TlsError } from '@rxtls/core/engine';
import { streamError } from './stream-error.ts';
import type { WebReader, WebWriter } from './web-stream-shapes.ts';
import type { WebStreamPair } from './from-web-streams.ts';
import type { Wire } from './wire.ts';
import type { WireDuplex } from './wire-duplex.ts';

/**
 * A readable and a writable stream as a wire. One `read()` is under way at most, and only while it is wanted. Writes go to
 * the writer as they come, and its promises, which settle in their order, say what was taken: what the stream's own strategy
 * counts, chunks or bytes, is not known from outside, so `desiredSize` is of no use here.
 */
export class WebWire implements Wire {
  readonly #reader: WebReader;
  readonly #writer: WebWriter;
  readonly #what: string;
  readonly #close: (() => unknown) | undefined;
  readonly #lengths = new Fifo<number>();
  #duplex!: WireDuplex;
  #isWanted = false;
  #isReading = false;
  #hasNoMore = false;
  #hasReadEnd = false;
  #isCut = false;
  #hasClosed = false;
  #isReleased = false;
  readonly #got = (result: { done: boolean; value?: unknown }): void => this.#received(result);
  readonly #wrote = (): void => this.#confirm();
  readonly #readFailed = (cause: unknown): void => this.#duplex.fail(streamError(this.#what, cause));
  readonly #writeFailed = (cause: unknown): void => this.#duplex.sinkFailed(streamError(this.#what, cause));

  /** Takes the locks; throws what the streams throw when somebody else has them. */
  constructor({ readable, writable }: WebStreamPair, what: string, close: (() => unknown) | undefined) {
    this.#what = what;
    this.#close = close;
    this.#reader = readable.getReader();
    try {
      this.#writer = writable.getWriter();
    } catch (cause) {
      this.#reader.releaseLock();
      throw cause;
    }
  }

  attach(duplex: WireDuplex): void {
    this.#duplex = duplex;
    this.#reader.closed.then(() => this.#ended(), this.#readFailed);
    this.#writer.closed.then(undefined, this.#writeFailed);
  }

  write(bytes: Uint8Array): void {
    this.#lengths.push(bytes.length);
    this.#writer.write(bytes).then(this.#wrote, this.#writeFailed);
  }

  end(): void {
    this.#writer.close().then(() => {
      this.#hasClosed = true;
      if (this.#isCut) this.#gone();
      else this.#duplex.finished();
    }, this.#writeFailed);
  }

  flow(wanted: boolean): void {
    this.#isWanted = wanted;
    if (wanted && !this.#isReading) this.#read();
  }

  cut(why: TlsError, gently: boolean): void {
    this.#isCut = true;
    const cancelled = this.#hasReadEnd ? undefined : this.#reader.cancel(why);
    // What a stream says to its own end is nobody's business any more: everybody has heard why.
    cancelled?.then(undefined, () => undefined);
    if (gently && !this.#hasClosed) return;
    const over = (): void => this.#gone();
    this.#writer.abort(why).then(over, over);
  }

  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    for (const half of [this.#reader, this.#writer]) unlock(half);
    // The close of what the streams belong to has no other listener than its owner.
    void (async () => this.#close?.())().then(undefined, () => undefined);
  }

  #gone(): void {
    this.#duplex.gone();
    this.release();
  }

  #read(): void {
    this.#isReading = true;
    this.#reader.read().then(this.#got, this.#readFailed);
  }

  #received({ done, value }: { done: boolean; value?: unknown }): void {
    this.#isReading = false;
    if (this.#isCut) return;
    if (done) return this.#endReading();
    if (!(value instanceof Uint8Array)) {
      const message = `${this.#what}: the readable gave ${typeof value} and no Uint8Array; encode text with TextEncoderStream`;
      this.#duplex.fail(new ApiMisuseError(message, { phase: 'open' }));
      return;
    }
    if (value.length > 0) this.#duplex.received(value);
    if (this.#hasNoMore) this.#endReading();
    else if (this.#isWanted && !this.#isReading && !this.#isCut) this.#read();
  }

  /** The readable is closed and empty: so the end is known without a read. It says so before the last read's result comes. */
  #ended(): void {
    this.#hasNoMore = true;
    if (!this.#isReading) this.#endReading();
  }

  #endReading(): void {
    if (this.#hasReadEnd || this.#isCut) return;
    this.#hasReadEnd = true;
    this.#duplex.receivedEnd();
  }

  #confirm(): void {
    const length = this.#lengths.shift() ?? 0;
    if (this.#isCut) return;
    this.#duplex.went(length);
    this.#duplex.freed(length);
  }
}

function unlock(half: { releaseLock(): void }): void {
  try {
    half.releaseLock();
  } catch {
    // an older runtime refuses while a read is pending; the stream is at its end all the same
  }
}
