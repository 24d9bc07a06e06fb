import type { Observable, ObservableInput } from 'rxjs';
import type { ByteInput } from './byte-input.ts';
import type { ByteDuplex, ByteSource } from './duplex.ts';
import type { NegotiatedParameters, TlsEvent } from './engine/index.ts';
import type { Ledger } from './ledger.ts';
import type { Readiness } from './readiness.ts';
import type { WriteAck } from './write-ack.ts';

/**
 * A verified TLS connection. `write` and `updateKeys` act when called; everything that returns another observable acts on
 * subscription, and does no more when subscribed again. On a connection that has ended they error with `ApiMisuseError`.
 */
export interface TlsConnection extends ByteDuplex {
  readonly negotiated: NegotiatedParameters;
  /**
   * What the peer sends, with endless demand. Completes only on an authenticated close_notify (RFC 8446 §6.1); a transport
   * that ends without one is a `TruncationError`. `plaintext`, `source.bytes` and `readEach` are one stream with one
   * subscriber at a time; a later one goes on where the last stopped.
   */
  readonly plaintext: Observable<Uint8Array>;
  /** Reads one chunk at a time and asks for the next when `project`'s observable has completed: the way to be slow. */
  readEach<R>(project: (bytes: Uint8Array) => ObservableInput<R>): Observable<R>;
  /** Whether a write would go out now; the latest and every change. */
  readonly readiness: Observable<Readiness>;
  /** Every ack from the time of subscription on. `flushed` means that the transport took it, not that the peer read it. */
  readonly acks: Observable<WriteAck>;
  /** The latest ledger and every change. */
  readonly ledger: Observable<Ledger>;
  readonly events: Observable<TlsEvent>;
  /**
   * Queues bytes at once, subscribed to or not; the array may be reused as soon as this returns. The observable replays the
   * acks of this write; completes on `flushed`; errors with `WriteRefusedError` or `WriteLostError` after that ack.
   * @throws ApiMisuseError for what is no Uint8Array
   */
  write(bytes: Uint8Array): Observable<WriteAck>;
  /** Writes a source of any length at the connection's pace. Emits the ledger as it goes, completes when all is flushed. */
  writeFrom(source: ByteInput | ByteSource): Observable<Ledger>;
  /**
   * Writes, emits the plaintext, and closes after it. `halfClose` (TLS 1.3) sends close_notify after the last write, for
   * peers that answer when they have seen the end.
   */
  exchange(source: ByteInput, options?: { readonly halfClose?: boolean }): Observable<Uint8Array>;
  /** Starts a TLS 1.3 KeyUpdate, or a TLS 1.2 renegotiation where limits allow it, in order with the writes; `refused` where the engine cannot. */
  updateKeys(): void;
  /** close_notify after everything written; completes when the transport has taken it. Reading goes on in TLS 1.3. */
  closeWrite(): Observable<never>;
  /** The graceful end: flush, close_notify, the peer's close_notify within `limits.closeTimeout`. Plaintext that nobody reads is discarded. */
  close(): Observable<never>;
  /** Ends TLS and gives the transport back, with every byte that came after the peer's close_notify. It lives as long as what emitted this connection. */
  unwrap(): Observable<ByteDuplex>;
  /** Keying material bound to this connection (RFC 8446 §7.5, RFC 5705), `length` bytes. @throws ApiMisuseError where there is no exporter */
  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array;
}
