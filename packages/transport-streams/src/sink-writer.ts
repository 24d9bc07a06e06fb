import type { ByteDuplex, ByteSink, TlsConnection } from '@rxtls/core';
import { AbortedError } from '@rxtls/core/engine';
import { Subscription } from 'rxjs';

/** Called once, with why when it failed. */
export type Settled = (error?: unknown) => void;

/** As much goes at once although demand is less: a record's worth, so that a slow wire makes no small ones. */
const leastSlice = 16 * 1024;

/**
 * Writes to a sink at its pace, one write at a time: it is sliced by demand, and done when what lies below has taken all of
 * it, as a socket's write is done when the system has it. So what was written is out when the caller goes on, and it may
 * reuse its array then.
 *
 * The array is handed over only to a TLS connection, whose engine never keeps it; another sink may hand it on to whoever
 * reads, so that gets a copy.
 */
export class SinkWriter {
  readonly #sink: ByteSink;
  readonly #copies: boolean;
  readonly #failed: (error: unknown) => void;
  readonly #subscription = new Subscription();
  #demand = 0;
  #taken = 0;
  /** What `taken` says when all that was written so far has been taken. */
  #written = 0;
  #parts: readonly Uint8Array[] = [];
  #part = 0;
  #offset = 0;
  #done: Settled | undefined;
  #ended: Settled | undefined;
  #isPumping = false;
  #isOver = false;

  constructor(duplex: ByteDuplex, failed: (error: unknown) => void) {
    this.#sink = duplex.sink;
    this.#copies = !isTlsConnection(duplex);
    this.#failed = failed;
    const { demand, taken } = duplex.sink;
    this.#subscription.add(
      taken.subscribe({ next: (bytes) => this.#takenIs(bytes), error: (error: unknown) => this.#fail(error) }),
    );
    this.#written = isTlsConnection(duplex) ? acceptedBy(duplex) : this.#taken;
    this.#subscription.add(
      demand.subscribe({
        next: (bytes) => this.#demandIs(bytes),
        error: (error: unknown) => this.#fail(error),
        complete: () => this.#closed(),
      }),
    );
  }

  /** The one before must be done. */
  write(parts: readonly Uint8Array[], done: Settled): void {
    this.#parts = parts;
    this.#part = 0;
    this.#offset = 0;
    this.#done = done;
    if (this.#isOver) this.#closed();
    else this.#pump();
  }

  /** No more writes: `ended` when the sink has ended. */
  end(ended: Settled): void {
    this.#ended = ended;
    this.#sink.end();
    if (this.#isOver) this.#closed();
  }

  /** Nothing more is told. */
  stop(): void {
    this.#isOver = true;
    this.#subscription.unsubscribe();
  }

  #demandIs(bytes: number): void {
    this.#demand = bytes;
    this.#pump();
  }

  #takenIs(bytes: number): void {
    this.#taken = bytes;
    this.#settle();
  }

  #pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#demand > 0 && this.#part < this.#parts.length && !this.#isOver) this.#writeSome();
    this.#isPumping = false;
    this.#settle();
  }

  #writeSome(): void {
    const part = this.#parts[this.#part]!;
    const from = this.#offset;
    const to = Math.min(part.length, from + Math.max(this.#demand, leastSlice));
    const isLast = to === part.length;
    this.#offset = isLast ? 0 : to;
    if (isLast) this.#part++;
    if (from === to) return;
    const slice = from === 0 && isLast ? part : part.subarray(from, to);
    this.#written += slice.length;
    this.#sink.write(this.#copies ? new Uint8Array(slice) : slice);
  }

  #settle(): void {
    if (this.#done === undefined || this.#part < this.#parts.length || this.#taken < this.#written) return;
    const done = this.#done;
    this.#done = undefined;
    this.#parts = [];
    this.#part = 0;
    done();
  }

  /** The sink has ended: because it was told to, or the connection has closed for writing. */
  #closed(): void {
    this.#isOver = true;
    const [ended, done] = [this.#ended, this.#done];
    this.#ended = undefined;
    this.#done = undefined;
    done?.(new AbortedError('the connection was closed for writing', { phase: 'closing' }));
    ended?.();
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const [ended, done] = [this.#ended, this.#done];
    this.#ended = undefined;
    this.#done = undefined;
    done?.(error);
    ended?.(error);
    this.#failed(error);
  }
}

export function isTlsConnection(duplex: ByteDuplex): duplex is TlsConnection {
  return 'negotiated' in duplex && 'ledger' in duplex;
}

/** Bytes written so far by whoever had the connection before, taken or not. */
function acceptedBy(connection: TlsConnection): number {
  let accepted = 0;
  connection.ledger.subscribe((ledger) => (accepted = ledger.accepted - ledger.lost)).unsubscribe();
  return accepted;
}
