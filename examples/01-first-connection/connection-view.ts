import {
  AbortedError,
  type ConnectionObservers,
  type DuplexInfo,
  type Ledger,
  type NegotiatedParameters,
} from '@rxtls/core';
import { debounceTime, filter, lastValueFrom, map, type Observable, Subject, startWith, switchMap, take } from 'rxjs';
import { acked, type Entry, happened, read, readinessIs, written } from './entry.ts';
import { LiveTable } from './live-table.ts';
import { MarbleDiagram } from './marble-diagram.ts';
import type { Paint } from './paint.ts';
import { ledgerLines, negotiatedLines } from './summary.ts';

export interface ViewOptions {
  readonly print: (line: string) => void;
  readonly paint: Paint;
  /** The first line. */
  readonly warning?: string | undefined;
  /** Characters a line may have. */
  readonly width: number;
  /** Shows what is written and read, not only how much: for what is no secret. */
  readonly showText: boolean;
}

/** Draws one connection: a live table while it lasts, then a diagram, the parameters and the ledger. */
export class ConnectionView {
  /** For the option `observe` of `secure`. */
  readonly observers: Partial<ConnectionObservers>;
  /** The transport stood. */
  connected = false;
  ledger: Ledger = { accepted: 0, sealed: 0, flushed: 0, refused: 0, lost: 0, outstanding: 0 };
  readonly #options: ViewOptions;
  readonly #table: LiveTable;
  readonly #diagram = new MarbleDiagram();
  readonly #activity = new Subject<void>();
  readonly #writesEnded = new Subject<void>();
  readonly #start = performance.now();
  #parameters: NegotiatedParameters | undefined;
  #readiness = '';
  #writes = 0;

  constructor(options: ViewOptions) {
    this.#options = options;
    this.#table = new LiveTable(options.print, options.paint, options.width);
    this.observers = {
      acks: { next: (ack) => this.#note(acked(ack)) },
      ledger: { next: (ledger) => (this.ledger = ledger) },
      events: { next: (event) => this.#note(happened(event)) },
      readiness: {
        next: (readiness) => {
          const entry = readinessIs(readiness);
          // Every change of demand is a change of readiness too: not shown.
          if (entry.detail !== this.#readiness) this.#note(entry);
          this.#readiness = entry.detail;
        },
      },
    };
  }

  open(info: DuplexInfo): void {
    const { warning, print, paint } = this.#options;
    this.connected = true;
    if (warning !== undefined) print(paint('yellow', warning));
    this.#table.head();
    this.#table.rule(`connected: ${info.local} → ${info.remote}`);
  }

  /** The same bytes, each noted as it is taken. */
  async *writing(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for await (const bytes of input) {
      this.#note(written(++this.#writes, bytes.length, this.#text(bytes), this.#options.showText));
      yield bytes;
    }
    this.#diagram.add(this.#now, 'writes', '|');
    this.#writesEnded.next();
  }

  /** Errors when our side is closed and the server says nothing and does not close for so many milliseconds. */
  deserted(milliseconds: number): Observable<never> {
    return this.#writesEnded.pipe(
      switchMap(() => this.silence(milliseconds)),
      map(() => {
        throw new AbortedError(`the server did not close within ${milliseconds} ms of our close_notify`);
      }),
    );
  }

  secured(parameters: NegotiatedParameters): void {
    this.#parameters = parameters;
    this.#table.rule(`${parameters.version}: the handshake is done, the certificate verified`);
    this.#activity.next();
  }

  read(bytes: Uint8Array): void {
    this.#note(read(bytes.length, this.#text(bytes)));
  }

  /** Resolves when all is flushed and nothing has happened for so many milliseconds, or the connection is over. */
  silence(milliseconds: number): Promise<unknown> {
    const silent = this.#activity.pipe(
      startWith(undefined),
      debounceTime(milliseconds),
      filter(() => this.#parameters !== undefined && this.ledger.outstanding === 0),
      take(1),
    );
    return lastValueFrom(silent, { defaultValue: undefined });
  }

  /** The connection is over: the whole of it once more. */
  close(error?: unknown): void {
    this.#diagram.add(this.#now, 'plaintext', error === undefined ? '|' : '#');
    this.#activity.complete();
    if (!this.connected) return;
    const { print, paint, width } = this.#options;
    this.#table.rule(error === undefined ? 'closed by both sides' : 'failed');
    const section = (title: string, lines: readonly string[]): void =>
      ['', paint('bold', title), ...lines].forEach((line) => print(line));
    section('marble diagram (ms above, moments not to scale)', this.#diagram.lines(width));
    if (this.#parameters !== undefined) section('negotiated', negotiatedLines(this.#parameters));
    section('ledger (bytes of plaintext written)', ledgerLines(this.ledger));
  }

  #note(entry: Entry | undefined): void {
    if (entry === undefined) return;
    const at = this.#now;
    this.#table.add(at, entry);
    this.#diagram.add(at, entry.row, entry.mark);
    this.#activity.next();
  }

  #text(bytes: Uint8Array): string {
    return this.#options.showText ? JSON.stringify(Buffer.from(bytes).toString().trimEnd()) : `${bytes.length} B`;
  }

  get #now(): number {
    return performance.now() - this.#start;
  }
}
