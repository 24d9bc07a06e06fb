import { type ByteDuplex, type ByteSink, type ByteSource, CreditSource, type DuplexInfo, Level } from '@rxtls/core';
import { AbortedError, PeerMisbehavedError, type TlsError } from '@rxtls/core/engine';
import { type CloseCode, closeCode, closeReason, describeClose, isCleanClose } from './close-code.ts';
import { Linger } from './linger.ts';
import type { WebSocketSettings } from './web-socket-options.ts';
import type { Wire, WireClose } from './wire.ts';
import { closeError, detail, frameError } from './wire-error.ts';

/** Bytes kept for a later subscriber after `end()`, so that the other side's close is seen although nobody reads. */
const keptAfterEnd = 64 * 1024;

/** What a chunk that waits costs beside its bytes: a peer may send many that are small. */
const chunkBytes = 128;

/** A duplex over a WebSocket. */
export interface WebSocketByteDuplex extends ByteDuplex {
  /** The subprotocol that was agreed on, or ''. */
  readonly protocol: string;
}

export interface WebSocketDuplexOptions extends WebSocketSettings {
  /** Names the connection in messages. */
  readonly what: string;
  readonly info: DuplexInfo;
  /** Once: when the WebSocket has closed, or has failed and everybody else has heard of it. */
  readonly closed?: (error?: TlsError) => void;
}

/**
 * An open WebSocket as a `ByteDuplex`: binary messages are bytes, whatever their boundaries.
 *
 * Reading: a WebSocket of `ws` is paused while nobody reads, and TCP stops the peer. Another one pushes, and what waits is
 * bounded by giving up the connection.
 *
 * Closing: a WebSocket has no half-close. `end()` starts the closing handshake behind what was written, and the other side
 * answers it at once, so that both directions end. What the other side had sent before is read until its close frame.
 * When the other side closes first, the bytes complete, and `demand` errors at the next write, which could not arrive.
 */
export class WebSocketDuplex implements WebSocketByteDuplex {
  readonly info: DuplexInfo;
  readonly protocol: string;
  readonly source: ByteSource;
  readonly sink: ByteSink;
  readonly #reader: CreditSource = new CreditSource({ creditChanged: () => this.#steer() });
  readonly #demand: Level;
  readonly #taken: Level = new Level(0);
  readonly #wire: Wire;
  readonly #options: WebSocketDuplexOptions;
  readonly #linger: Linger;
  #written = 0;
  /** `left`: the other side has closed, and this one has not said that it is through. */
  #state: 'open' | 'ending' | 'left' | 'failed' | 'closed' = 'open';
  #isFlowing = false;
  #isDiscarding = false;
  /** What the WebSocket said before it closed. */
  #cause: unknown;
  /** How the other side closed. */
  #farewell = '';

  /** The wire must be open and must not have given a message yet. */
  constructor(wire: Wire, options: WebSocketDuplexOptions) {
    this.#wire = wire;
    this.#options = options;
    this.info = options.info;
    this.protocol = wire.protocol;
    this.#demand = new Level(options.writeHighWater);
    this.#linger = new Linger(options.lingerTimeout, options.scheduler, {
      halfway: () => this.#halfway(),
      over: () => this.#giveUp(),
    });
    this.source = this.#reader;
    this.sink = {
      write: (bytes) => this.#write(bytes),
      demand: this.#demand.changes,
      taken: this.#taken.changes,
      end: () => this.#end(),
      abort: (reason) => this.#abort(reason),
    };
    wire.owner = {
      opened: () => undefined,
      message: (bytes) => this.#received(bytes),
      text: () => this.#receivedText(),
      taken: (bytes) => this.#left(bytes),
      failed: (error) => this.#failed(error),
      closed: (close) => this.#closed(close),
    };
    wire.pause();
  }

  unread(bytes: Uint8Array): void {
    this.#reader.unread(bytes);
    this.#steer();
  }

  /** Whoever owned the connection has let go: cut it, or after `end()` let what was written go out first. */
  release(): void {
    if (this.#state === 'open') return this.#abort();
    if (this.#state === 'ending') this.#discard();
  }

  #received(bytes: Uint8Array): void {
    if (this.#isDiscarding || bytes.length === 0) return;
    const { what, maxMessageBytes, maxHeldBytes } = this.#options;
    if (bytes.length > maxMessageBytes) {
      const message = `${what}: a message of ${bytes.length} bytes is larger than maxMessageBytes (${maxMessageBytes})`;
      return this.#refuse(new AbortedError(message, { phase: 'open' }), closeCode.tooMuch);
    }
    this.#linger.progress();
    this.#reader.push(bytes);
    const { held, chunks } = this.#reader;
    if (held + chunks * chunkBytes > maxHeldBytes) {
      const message = `${what}: more than maxHeldBytes (${maxHeldBytes}) wait for a reader, and the other side goes on`;
      this.#refuse(new AbortedError(message, { phase: 'open', retryable: true }), closeCode.tooMuch);
    }
    this.#steer();
  }

  #receivedText(): void {
    if (this.#isDiscarding) return;
    const message = `${this.#options.what}: the other side sent a text message, and only binary ones carry bytes`;
    this.#refuse(new PeerMisbehavedError(message, { phase: 'open' }), closeCode.unreadable);
  }

  #write(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    if (this.#state === 'left') return this.#endWriting(this.#lost(bytes.length));
    if (this.#state !== 'open') return;
    this.#written += bytes.length;
    try {
      this.#send(bytes);
    } catch (cause) {
      const message = `${this.#options.what}: the WebSocket does not send`;
      return this.#fail(new AbortedError(message, { phase: 'open', cause }));
    }
    this.#level();
  }

  #send(bytes: Uint8Array): void {
    const { messageBytes } = this.#options;
    if (bytes.length <= messageBytes) return this.#wire.send(bytes);
    for (let at = 0; at < bytes.length; at += messageBytes) this.#wire.send(bytes.subarray(at, at + messageBytes));
  }

  #left(bytes: number): void {
    if (this.#state === 'failed') return;
    this.#linger.progress();
    this.#taken.set(bytes);
    this.#level();
    this.#settle();
  }

  #level(): void {
    if (this.#state !== 'open') return;
    this.#demand.set(Math.max(0, this.#options.writeHighWater - (this.#written - this.#taken.value)));
  }

  #end(): void {
    if (this.#state === 'left') return this.#endWriting(undefined);
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#wire.close(closeCode.normal, closeReason[closeCode.normal], false);
    this.#demand.set(0);
    this.#settle();
    this.#steer();
  }

  /** After `end()`, when everything has left. */
  #settle(): void {
    if (this.#state !== 'ending' || this.#taken.value < this.#written) return;
    this.#demand.complete();
    this.#taken.complete();
  }

  #abort(reason?: unknown): void {
    const { what } = this.#options;
    const cause = reason !== undefined && { cause: reason };
    const error = new AbortedError(`${what}: aborted from this side`, { phase: 'open', ...cause });
    const before = this.#state;
    if (before === 'left') {
      this.#reader.fail(error, true);
      return this.#endWriting(error);
    }
    if (!this.#stops()) return;
    if (before === 'ending')
      this.#closeWith(closeCode.normal); // a last word goes out first
    else this.#cut();
    this.#tell(error, true);
  }

  /** The other side is told by the code what it did. */
  #refuse(error: TlsError, code: CloseCode): void {
    if (!this.#stops()) return;
    this.#closeWith(code);
    this.#tell(error, false);
  }

  /** Nothing more can be said to the other side. */
  #fail(error: TlsError): void {
    if (!this.#stops()) return;
    this.#cut();
    this.#tell(error, false);
  }

  /** False when it has stopped already. */
  #stops(): boolean {
    if (this.#state !== 'open' && this.#state !== 'ending') return false;
    this.#state = 'failed';
    this.#isDiscarding = true;
    this.#linger.stop();
    return true;
  }

  #cut(): void {
    this.#wire.cut(closeCode.aborted, closeReason[closeCode.aborted]);
  }

  /** With the time of `lingerTimeout` for the other side's answer, and what comes before that is read into nothing. */
  #closeWith(code: CloseCode): void {
    this.#wire.close(code, closeReason[code], true);
    this.#wire.resume();
    this.#linger.start();
  }

  #tell(error: TlsError, drop: boolean): void {
    this.#reader.fail(error, drop);
    this.#demand.fail(error);
    this.#taken.complete();
    this.#options.closed?.(error);
  }

  #failed(error: unknown): void {
    const { what } = this.#options;
    this.#cause ??= detail(error);
    const broken = frameError(what, error);
    if (broken) this.#refuse(broken, closeCode.unreadable); // `ws` has begun to close, with the code of RFC 6455
  }

  #closed({ code, reason, unsent }: WireClose): void {
    this.#linger.stop();
    const isOurs = this.#state === 'ending';
    if (!isOurs && this.#state !== 'open') return;
    if (!isCleanClose(code)) {
      const phase = isOurs ? 'closing' : 'open';
      return this.#fail(closeError(this.#options.what, phase, code, reason, this.#cause));
    }
    this.#state = isOurs || unsent > 0 ? 'closed' : 'left';
    this.#farewell = describeClose(code, reason);
    const error = unsent > 0 ? this.#lost(unsent) : undefined;
    this.#endReading();
    if (isOurs || error) this.#endWriting(error);
    this.#options.closed?.(error);
  }

  #lost(bytes: number): AbortedError {
    const message = `${this.#options.what}: closed by the other side (${this.#farewell}) before ${bytes} bytes that were written had left`;
    return new AbortedError(message, { phase: 'closing', retryable: true });
  }

  #endWriting(error: AbortedError | undefined): void {
    this.#state = 'closed';
    if (error) this.#demand.fail(error);
    else {
      this.#demand.set(0);
      this.#demand.complete();
    }
    this.#taken.complete();
  }

  #endReading(): void {
    if (!this.#wire.mayHaveDropped) return this.#reader.complete();
    const message = `${this.#options.what}: what the other side sent after end() was not given by this WebSocket`;
    this.#reader.failWith(() => new AbortedError(message, { phase: 'closing' }), false);
  }

  #halfway(): void {
    if (this.#state === 'ending' && !this.#reader.subscribed) this.#discard();
  }

  /** Nobody will have these bytes: they are read only so that the other side's close is seen. */
  #discard(): void {
    this.#isDiscarding = true;
    const message = `${this.#options.what}: discarded what arrived after end(), since nobody was subscribed`;
    this.#reader.failWith(() => new AbortedError(message, { phase: 'closing' }), true);
    this.#steer();
  }

  /** Nothing moved for the whole of `lingerTimeout`. */
  #giveUp(): void {
    if (this.#state === 'failed') return this.#cut();
    const { what, lingerTimeout } = this.#options;
    const left = this.#written - this.#taken.value;
    const about =
      left > 0 ? `${left} bytes written before end() have not left` : 'the other side does not answer the close';
    const message = `${what}: ${about} within ${lingerTimeout} ms`;
    this.#fail(new AbortedError(message, { phase: 'closing', retryable: true }));
  }

  /** Lets messages come or stops them, and the time after `end()` run or stand still, by who is reading. */
  #steer(): void {
    if (this.#state !== 'open' && this.#state !== 'ending') return;
    const { subscribed, credit, held } = this.#reader;
    const isEnding = this.#state === 'ending';
    // One read ahead of a reader who is there: it is how the other side's close is seen
    const wanted = subscribed ? credit > 0 || held === 0 : isEnding && held < keptAfterEnd;
    const flow = this.#isDiscarding || wanted;
    if (isEnding && (flow || !subscribed)) this.#linger.start();
    else this.#linger.stop();
    if (flow === this.#isFlowing) return;
    this.#isFlowing = flow;
    if (flow) this.#wire.resume();
    else this.#wire.pause();
  }
}
