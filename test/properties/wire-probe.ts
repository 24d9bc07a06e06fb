import type { ByteDuplex, ByteSink, ByteSource, DuplexInfo } from '@rxtls/core';
import { Observable } from 'rxjs';

const maxRecord = 16_384;

/** Counts the records of one direction by their headers, in any chunking. */
class RecordCounter {
  /** Bytes of application data records, without headers, whole or not. */
  data = 0;
  dataRecords = 0;
  /** The last record was an alert of two bytes: in clear that is close_notify, or a reason. */
  closeNotify = false;
  readonly #header: number[] = [];
  #body = 0;
  #isData = false;
  #alert: number[] | undefined;

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#header.length < 5) {
        this.#header.push(bytes[at++]!);
        if (this.#header.length === 5) this.#begin();
        continue;
      }
      const part = Math.min(this.#body, bytes.length - at);
      if (this.#isData) this.data += part;
      this.#alert?.push(...bytes.subarray(at, at + part));
      this.#body -= part;
      at += part;
      if (this.#body === 0) this.#end();
    }
  }

  #begin(): void {
    const [type, , , high, low] = this.#header;
    this.#body = (high! << 8) | low!;
    this.#isData = type === 23;
    if (this.#isData) this.dataRecords++;
    this.#alert = type === 21 ? [] : undefined;
    if (this.#body === 0) this.#end();
  }

  #end(): void {
    if (this.#alert?.length === 2 && this.#alert[1] === 0) this.closeNotify = true;
    this.#header.length = 0;
  }
}

/** Stands between a connection and its transport, and objects to what either may not do. */
export class WireProbe implements ByteDuplex {
  readonly source: ByteSource;
  readonly sink: ByteSink;
  readonly info: DuplexInfo;
  readonly sent: RecordCounter = new RecordCounter();
  readonly received: RecordCounter = new RecordCounter();
  ends = 0;
  aborts = 0;
  largestChunk = 0;
  sentBytes = 0;
  /** The connection is gone: it may call nothing more. */
  isReleased = false;
  /** Application data handed over while the transport wanted none. */
  ahead = 0;
  readonly #inner: ByteDuplex;
  readonly #object: (what: string) => void;
  #demand = 0;
  #lastDemand = 0;
  /** Demand that went without being used: what an engine was given for it may still come. */
  #withdrawn = 0;
  #isWriting = false;
  #credit = 0;

  constructor(inner: ByteDuplex, overheadPerRecord: number, slack: number, object: (what: string) => void) {
    this.#inner = inner;
    this.#object = object;
    this.info = inner.info;
    inner.sink.demand.subscribe({ next: (demand) => this.#demandIs(demand), error: () => undefined });
    this.source = {
      bytes: new Observable((subscriber) =>
        inner.source.bytes.subscribe({
          next: (bytes) => {
            if (this.#credit <= 0) object('the transport gave what nobody had asked for');
            this.#credit -= bytes.length;
            this.largestChunk = Math.max(this.largestChunk, bytes.length);
            this.received.push(bytes);
            subscriber.next(bytes);
          },
          error: (error: unknown) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }),
      ),
      request: (bytes) => {
        if (this.isReleased) object('bytes were asked of the transport after the end');
        this.#credit += bytes;
        inner.source.request(bytes);
      },
    };
    this.sink = {
      demand: inner.sink.demand,
      taken: inner.sink.taken,
      write: (bytes) => {
        if (this.isReleased || this.ends + this.aborts > 0) object('the transport was written to after the end');
        const { data, dataRecords } = this.sent;
        this.sent.push(bytes);
        this.sentBytes += bytes.length;
        const more = this.sent.data - data;
        const headers = (this.sent.dataRecords - dataRecords) * overheadPerRecord;
        if (more > 0) this.ahead += Math.max(0, more - headers - Math.max(0, this.#demand));
        if (this.ahead > Math.max(maxRecord, this.#lastDemand) + slack + (slack > 0 ? this.#withdrawn : 0))
          object(`${this.ahead} bytes of application data were sealed past demand`);
        this.#isWriting = true;
        inner.sink.write(bytes);
        this.#isWriting = false;
        if (this.#demand > 0) this.ahead = 0;
      },
      end: () => {
        if (this.isReleased) object('the transport was ended after the end');
        if (++this.ends > 1) object('the transport was ended twice');
        inner.sink.end();
      },
      abort: (reason) => {
        if (this.isReleased) object('the transport was aborted after the end');
        if (++this.aborts > 1) object('the transport was aborted twice');
        inner.sink.abort(reason);
      },
    };
  }

  unread(bytes: Uint8Array): void {
    this.#object('bytes were put back without unwrap()');
    this.#inner.unread(bytes);
  }

  #demandIs(demand: number): void {
    if (!this.#isWriting && demand < this.#demand) this.#withdrawn = Math.max(this.#withdrawn, this.#demand);
    this.#demand = demand;
    if (demand <= 0) return;
    this.#lastDemand = demand;
    this.ahead = 0;
  }
}
