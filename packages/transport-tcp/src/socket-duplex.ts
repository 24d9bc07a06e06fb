import type { Socket } from 'node:net';
import {
  type ByteDuplex,
  type ByteSink,
  type ByteSource,
  CreditSource,
  type DuplexInfo,
  Fifo,
  Level,
} from '@rxtls/core';
import { AbortedError } from '@rxtls/core/engine';
import { Linger } from './linger.ts';
import type { SocketSettings } from './socket-options.ts';
import { wireError } from './wire-error.ts';

/** Bytes kept for a later subscriber after `end()`, so that the other side's end is seen although nobody reads. */
const keptAfterEnd = 64 * 1024;

/** What is smaller is copied next to its neighbours: the copy costs less than a vector of its own. */
const largeBytes = 4 * 1024;
/** As much as is worth a system call of its own. */
const batchBytes = 64 * 1024;

export interface SocketDuplexOptions extends SocketSettings {
  /** Names the connection in messages. */
  readonly what: string;
  readonly info: DuplexInfo;
  /** TCP can show a cut as a reset; a Unix socket can only close. */
  readonly canReset: boolean;
  /** Once: when the socket has closed, or has failed and everybody else has heard of it. */
  readonly closed?: (error?: AbortedError) => void;
}

/**
 * A connected socket as a `ByteDuplex`.
 *
 * Reading: the socket flows while somebody is subscribed with credit and is paused otherwise; Node then holds at most
 * its own buffer and one read, the system its window, and TCP stops the peer. A paused socket shows no end and no reset
 * until it is read again: that is how the system reports them.
 *
 * Writing: in order, and at once when Node has nothing of ours. While it has a write to confirm, which it does in the next tick at
 * the earliest, what comes waits for that, 64 KiB at most, and then goes in one system call. `demand` counts what Node's callbacks
 * have not yet confirmed, and what waits for them.
 *
 * Closing: a close with unread bytes in the system's buffer is a reset on the wire, and a reset destroys what the other
 * side has not read yet. So after `end()` the socket is read to its end, into nothing if nobody wants it: see `Linger`.
 */
export class SocketDuplex implements ByteDuplex {
  readonly info: DuplexInfo;
  readonly source: ByteSource;
  readonly sink: ByteSink;
  readonly #reader: CreditSource = new CreditSource({ creditChanged: () => this.#steer() });
  readonly #demand: Level;
  readonly #taken: Level = new Level(0);
  readonly #socket: Socket;
  readonly #options: SocketDuplexOptions;
  readonly #linger: Linger;
  readonly #written: (error?: Error | null) => void;
  /** Lengths of the writes Node has not confirmed. */
  readonly #pending = new Fifo<number>();
  #pendingBytes = 0;
  /** Writes that wait for Node to confirm what it has. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  /** What is written because of the demand that a confirmation gives goes with what waited for it. */
  #isConfirming = false;
  #state: 'open' | 'ending' | 'ended' | 'failed' | 'closed' = 'open';
  #flowing = false;
  #discarding = false;

  /** The socket must be connected, half-open, and paused before its first byte. */
  constructor(socket: Socket, options: SocketDuplexOptions) {
    this.#socket = socket;
    this.#options = options;
    this.info = options.info;
    this.#demand = new Level(options.writeHighWater);
    this.#linger = new Linger(options.lingerTimeout, { discard: () => this.#discard(), close: () => this.#giveUp() });
    this.#written = (error) => this.#confirm(error);
    this.source = this.#reader;
    this.sink = {
      write: (bytes) => this.#write(bytes),
      demand: this.#demand.changes,
      taken: this.#taken.changes,
      end: () => this.#end(),
      abort: (reason) => this.#abort(reason),
    };
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('end', () => this.#receivedEnd());
    socket.on('finish', () => this.#finished());
    socket.on('error', (error) => this.#fail(wireError(options.what, 'open', error), false));
    socket.on('close', () => this.#closed());
  }

  unread(bytes: Uint8Array): void {
    this.#reader.unread(bytes);
    this.#steer();
  }

  /** Whoever owned the connection has let go: cut it, or after `end()` let what was written go out first. */
  release(): void {
    if (this.#state === 'open') return this.#abort();
    if (this.#state !== 'ending' && this.#state !== 'ended') return;
    this.#discard();
    this.#steer();
  }

  #received(chunk: Buffer): void {
    if (this.#discarding) return;
    this.#reader.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    this.#steer();
  }

  #receivedEnd(): void {
    this.#reader.complete();
  }

  #write(bytes: Uint8Array): void {
    if (this.#state !== 'open' || bytes.length === 0) return;
    this.#pendingBytes += bytes.length;
    if (this.#pending.size > 0 || this.#isConfirming) this.#hold(bytes);
    else this.#pass(bytes);
    this.#level();
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= batchBytes) this.#flush();
  }

  /** What was held goes before anything else. Node puts what is written to a corked socket into one system call. */
  #flush(): void {
    if (this.#heldBytes === 0) return;
    const [held, bytes] = [this.#held, this.#heldBytes];
    this.#held = [];
    this.#heldBytes = 0;
    if (held.length === 1) return this.#pass(held[0]!);
    this.#socket.cork();
    this.#passAll(held, bytes);
    this.#socket.uncork();
  }

  #passAll(held: readonly Uint8Array[], bytes: number): void {
    this.#pending.push(bytes);
    for (let at = 0; at < held.length; ) {
      const from = at;
      while (at < held.length && held[at]!.length < largeBytes) at++;
      const isSmall = at > from;
      const part = at - from > 1 ? Buffer.concat(held.slice(from, at)) : held[from]!;
      if (!isSmall) at++;
      if (at < held.length) this.#socket.write(part);
      else this.#socket.write(part, this.#written);
    }
  }

  #pass(bytes: Uint8Array): void {
    this.#pending.push(bytes.length);
    this.#socket.write(bytes, this.#written);
  }

  /** Node calls this once for each `#pending`, in their order, also when it fails. */
  #confirm(error: Error | null | undefined): void {
    const length = this.#pending.shift() ?? 0;
    if (error || this.#state === 'failed') return;
    this.#isConfirming = true;
    this.#pendingBytes -= length;
    this.#linger.progress();
    this.#taken.set(this.#taken.value + length);
    this.#level();
    this.#isConfirming = false;
    if (this.#pending.size === 0) this.#flush();
  }

  #level(): void {
    if (this.#state === 'open') this.#demand.set(Math.max(0, this.#options.writeHighWater - this.#pendingBytes));
  }

  #end(): void {
    if (this.#state !== 'open') return;
    this.#flush();
    this.#state = 'ending';
    this.#socket.end();
    this.#demand.set(0);
    this.#steer();
  }

  #finished(): void {
    if (this.#state !== 'ending') return;
    this.#state = 'ended';
    this.#demand.complete();
    this.#taken.complete();
  }

  #abort(reason?: unknown): void {
    if (this.#state === 'open') this.#flush(); // a last word has left when its write returns, or leaves now
    const message = `${this.#options.what}: aborted from this side`;
    this.#fail(new AbortedError(message, { phase: 'open', ...(reason !== undefined && { cause: reason }) }), true);
  }

  #fail(error: AbortedError, drop: boolean): void {
    if (this.#state === 'failed' || this.#state === 'closed') return;
    this.#state = 'failed';
    this.#discarding = true;
    this.#linger.stop();
    this.#cut();
    this.#reader.fail(error, drop);
    this.#demand.fail(error);
    this.#taken.complete();
    this.#options.closed?.(error);
  }

  #cut(): void {
    const socket = this.#socket;
    if (socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished && !socket.destroyed) {
      // Aborted right after `end()`, and the system has everything: a last word, such as a TLS alert. A reset would destroy
      // it (and while Node shuts down its side libuv refuses one), so the socket is read to its end first.
      this.#linger.start(true);
      socket.resume();
    } else if (this.#options.canReset && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
  }

  #closed(): void {
    this.#linger.stop();
    if (this.#state === 'failed') return;
    this.#state = 'closed';
    this.#demand.complete();
    this.#taken.complete();
    this.#options.closed?.();
  }

  /** Nobody will have these bytes: they are read only so that the socket can close without a reset. */
  #discard(): void {
    this.#discarding = true;
    if (this.#reader.finished) return;
    const message = `${this.#options.what}: discarded what arrived after end(), since nobody was subscribed`;
    this.#reader.failWith(() => new AbortedError(message, { phase: 'closing' }), true);
    this.#steer();
  }

  /** Nothing moved for the whole of `lingerTimeout`. */
  #giveUp(): void {
    if (this.#state !== 'ending') return void this.#socket.destroy();
    const message = `${this.#options.what}: what was written before end() was not taken within ${this.#options.lingerTimeout} ms`;
    this.#fail(new AbortedError(message, { phase: 'closing', retryable: true }), true);
  }

  /** Starts and stops the socket and the lingering, by who is reading. */
  #steer(): void {
    if (this.#state === 'failed' || this.#state === 'closed') return;
    const { subscribed, credit, held } = this.#reader;
    const ours = this.#state === 'ending' || this.#state === 'ended';
    const unwatched = ours && !subscribed;
    if (unwatched) this.#linger.start(this.#discarding);
    else this.#linger.stop();
    const flow = unwatched ? held < keptAfterEnd : subscribed && credit > 0;
    if (flow === this.#flowing) return;
    this.#flowing = flow;
    if (flow) this.#socket.resume();
    else this.#socket.pause();
  }
}
