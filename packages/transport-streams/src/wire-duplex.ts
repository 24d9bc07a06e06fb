import { type ByteDuplex, type ByteSink, type ByteSource, CreditSource, type DuplexInfo, Level } from '@rxtls/core';
import { AbortedError, type TlsError } from '@rxtls/core/engine';
import type { Clock } from './clock.ts';
import { Linger } from './linger.ts';
import type { Wire } from './wire.ts';

/** Bytes kept for a later subscriber after `end()`, so that the other side's end is seen although nobody reads. */
const keptAfterEnd = 64 * 1024;

export interface WireDuplexOptions {
  /** Names the duplex in messages. */
  readonly what: string;
  readonly info: DuplexInfo;
  /** Bytes that may be on their way before `demand` is 0. */
  readonly room: number;
  readonly lingerTimeout: number;
  readonly clock: Clock;
  /** Once: when both directions have ended, or it has failed and everybody else has heard of it. */
  readonly closed: (error?: TlsError) => void;
}

/**
 * The promises of `ByteDuplex` over any `Wire`: credit, demand, taken, ends, aborts, and the time after `end()`.
 *
 * Reading: the wire flows while somebody is subscribed with credit. After `end()` it is read to its end, for a while, also
 * when nobody is: otherwise the other side's end would never be seen, and nothing would ever close.
 *
 * A sink that fails by itself (the other side takes nothing more) leaves the reading to go on to its end: what the other
 * side has said before may be why.
 */
export class WireDuplex implements ByteDuplex {
  readonly info: DuplexInfo;
  readonly source: ByteSource;
  readonly sink: ByteSink;
  readonly #wire: Wire;
  readonly #options: WireDuplexOptions;
  readonly #reader: CreditSource = new CreditSource({
    creditChanged: () => this.#steer(),
    read: (bytes) => this.#wasRead(bytes),
  });
  readonly #demand: Level;
  readonly #taken: Level = new Level(0);
  readonly #linger: Linger;
  #state: 'open' | 'ending' | 'ended' | 'deaf' | 'failed' | 'closed' = 'open';
  /** Why the other side takes nothing more, in the state `deaf`; why all has failed, in `failed`. */
  #error: TlsError | undefined;
  #pending = 0;
  #unread = 0;
  #isFlowing = false;
  #isDiscarding = false;
  #hasReadEnd = false;

  constructor(wire: Wire, options: WireDuplexOptions) {
    this.#wire = wire;
    this.#options = options;
    this.info = options.info;
    this.#demand = new Level(options.room);
    this.#linger = new Linger(options.lingerTimeout, options.clock, {
      discard: () => this.#discard(),
      close: () => this.#giveUp(),
    });
    this.source = this.#reader;
    this.sink = {
      write: (bytes) => this.#write(bytes),
      demand: this.#demand.changes,
      taken: this.#taken.changes,
      end: () => this.#end(),
      abort: (reason) => this.#abort(reason),
    };
    wire.attach(this);
  }

  unread(bytes: Uint8Array): void {
    this.#unread += bytes.length;
    this.#reader.unread(bytes);
    this.#steer();
  }

  /** Whoever owned the duplex has let go: cut it, or after `end()` let what was written go out first. */
  release(): void {
    if (this.#state === 'open' || this.#state === 'deaf') return this.#abort();
    if (this.#state !== 'ending' && this.#state !== 'ended') return;
    this.#discard();
    this.#steer();
  }

  // ── what the wire tells ──────────────────────────────────────────────────────────────────────────────────────────────

  received(bytes: Uint8Array): void {
    if (this.#isDiscarding) return this.#wire.read?.(bytes.length);
    this.#reader.push(bytes);
    this.#steer();
  }

  receivedEnd(): void {
    if (this.#isOver || this.#hasReadEnd) return;
    this.#hasReadEnd = true;
    this.#reader.complete();
    this.#closeIfDone();
  }

  /** What lies below has taken so many bytes. */
  went(bytes: number): void {
    this.#linger.progress();
    this.#taken.set(this.#taken.value + bytes);
  }

  /** There is room again for so many bytes. */
  freed(bytes: number): void {
    this.#pending -= bytes;
    this.#linger.progress();
    this.#level();
  }

  finished(): void {
    if (this.#state !== 'ending') return;
    this.#state = 'ended';
    this.#demand.complete();
    this.#taken.complete();
    this.#closeIfDone();
  }

  /** The other side takes nothing more. */
  sinkFailed(error: TlsError): void {
    if (this.#state !== 'open' && this.#state !== 'ending') return;
    if (this.#hasReadEnd) return this.fail(error);
    this.#state = 'deaf';
    this.#error = error;
    this.#demand.fail(error);
    this.#taken.complete();
    this.#steer();
  }

  /** Both directions are gone; what waits is read first, unless it is dropped. */
  fail(error: TlsError, drop = false): void {
    if (this.#isOver) return;
    const gently = drop && (this.#state === 'ending' || this.#state === 'ended');
    this.#state = 'failed';
    this.#error = error;
    this.#isDiscarding = true;
    this.#linger.stop();
    if (gently) this.#linger.start(true);
    this.#wire.cut(error, gently);
    if (drop || !this.#hasReadEnd) this.#reader.fail(error, drop);
    this.#demand.fail(error);
    this.#taken.complete();
    this.#options.closed(error);
  }

  /** Nothing is left to wait for after a cut. */
  gone(): void {
    this.#linger.stop();
  }

  // ── what the application asks for ────────────────────────────────────────────────────────────────────────────────────

  #write(bytes: Uint8Array): void {
    if (this.#state !== 'open' || bytes.length === 0) return;
    this.#pending += bytes.length;
    this.#wire.write(bytes);
    this.#level();
    this.#wire.flush?.();
  }

  #end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#demand.set(0);
    this.#wire.end();
    this.#steer();
  }

  #abort(reason?: unknown): void {
    const message = `${this.#options.what}: aborted from this side`;
    this.fail(new AbortedError(message, { phase: 'open', ...(reason !== undefined && { cause: reason }) }), true);
  }

  // ── in between ───────────────────────────────────────────────────────────────────────────────────────────────────────

  get #isOver(): boolean {
    return this.#state === 'failed' || this.#state === 'closed';
  }

  #level(): void {
    if (this.#state === 'open') this.#demand.set(Math.max(0, this.#options.room - this.#pending));
  }

  #wasRead(bytes: number): void {
    const again = Math.min(bytes, this.#unread);
    this.#unread -= again;
    if (bytes > again) this.#wire.read?.(bytes - again);
  }

  #closeIfDone(): void {
    if (this.#state === 'deaf' && this.#hasReadEnd) return this.fail(this.#error!);
    if (this.#state !== 'ended' || !this.#hasReadEnd) return;
    this.#state = 'closed';
    this.#linger.stop();
    this.#wire.release();
    this.#options.closed();
  }

  /** Nobody will have these bytes: the wire is read only so that it can come to its end. */
  #discard(): void {
    this.#isDiscarding = true;
    if (this.#reader.finished) return;
    const message = `${this.#options.what}: discarded what arrived after end(), since nobody was subscribed`;
    const { held } = this.#reader;
    this.#reader.failWith(() => new AbortedError(message, { phase: 'closing' }), true);
    this.#wasRead(held);
    this.#steer();
  }

  /** Nothing moved for the whole of `lingerTimeout`. */
  #giveUp(): void {
    if (this.#state === 'deaf') return this.fail(this.#error!);
    if (this.#state === 'failed') return this.#wire.cut(this.#error!, false);
    const ms = this.#options.lingerTimeout;
    const wasTaken = this.#state === 'ended';
    const what = wasTaken ? 'the other side did not end' : 'what was written before end() was not taken';
    const error = new AbortedError(`${this.#options.what}: ${what} within ${ms} ms`, {
      phase: 'closing',
      retryable: true,
    });
    if (!wasTaken) return this.fail(error);
    this.#state = 'closed';
    this.#wire.cut(error, false);
    this.#options.closed();
  }

  /** Starts and stops the wire and the lingering, by who is reading. */
  #steer(): void {
    if (this.#isOver) return;
    const { subscribed, credit, held } = this.#reader;
    const isUnwatched = (this.#state === 'ending' || this.#state === 'ended') && !subscribed;
    if (isUnwatched || this.#state === 'deaf') this.#linger.start(this.#isDiscarding || this.#state === 'deaf');
    else this.#linger.stop();
    const wanted = !this.#hasReadEnd && (isUnwatched ? held < keptAfterEnd : subscribed && credit > 0);
    if (wanted === this.#isFlowing) return;
    this.#isFlowing = wanted;
    this.#wire.flow(wanted);
  }
}
