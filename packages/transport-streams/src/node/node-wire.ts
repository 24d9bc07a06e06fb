/// <reference types="node" />
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { Fifo } from '@rxtls/core';
import { AbortedError, type TlsError } from '@rxtls/core/engine';
import { streamError } from '../stream-error.ts';
import type { Wire } from '../wire.ts';
import type { WireDuplex } from '../wire-duplex.ts';

/** A `stream.Duplex` as a wire: it flows while it is wanted, and its write callbacks say what was taken. */
export class NodeWire implements Wire {
  readonly #stream: Duplex;
  readonly #what: string;
  /** Lengths of the writes without a callback so far. */
  readonly #lengths = new Fifo<number>();
  #duplex!: WireDuplex;
  #isCut = false;
  readonly #wrote = (error?: Error | null): void => this.#confirm(error);

  /** The stream must be paused, and have its first byte to come. */
  constructor(stream: Duplex, what: string) {
    this.#stream = stream;
    this.#what = what;
    stream.allowHalfOpen = true;
  }

  attach(duplex: WireDuplex): void {
    const stream = this.#stream;
    this.#duplex = duplex;
    stream.on('data', (chunk: Buffer) => this.#received(chunk));
    stream.on('end', () => duplex.receivedEnd());
    stream.on('finish', () => this.#finished());
    stream.on('error', (cause) => duplex.fail(streamError(this.#what, cause)));
    stream.on('close', () => this.#closed());
  }

  write(bytes: Uint8Array): void {
    this.#lengths.push(bytes.length);
    this.#stream.write(bytes, this.#wrote);
  }

  end(): void {
    this.#stream.end();
  }

  flow(wanted: boolean): void {
    if (wanted) this.#stream.resume();
    else this.#stream.pause();
  }

  cut(error: TlsError, gently: boolean): void {
    const stream = this.#stream;
    this.#isCut = true;
    if (stream.destroyed) return;
    // A socket that is closed with unread bytes is a reset, which would destroy the last word: it is read to its end first.
    if (gently) stream.resume();
    else if (!hasReset(stream)) stream.destroy(error);
  }

  release(): void {
    this.#stream.destroy();
  }

  #received(chunk: Buffer): void {
    if (!this.#isCut) this.#duplex.received(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  #finished(): void {
    this.#duplex.finished();
    if (this.#isCut && this.#stream.readableEnded) this.#stream.destroy();
  }

  #confirm(error: Error | null | undefined): void {
    const length = this.#lengths.shift() ?? 0;
    if (error || this.#isCut) return; // 'error' follows
    this.#duplex.went(length);
    this.#duplex.freed(length);
  }

  #closed(): void {
    this.#duplex.gone();
    const message = `${this.#what}: closed before its end`;
    this.#duplex.fail(new AbortedError(message, { phase: 'open', retryable: true }));
  }
}

/** Resets the connection, where there is one that can be: so the other side can tell it from an end. */
function hasReset(stream: Duplex): boolean {
  const { resetAndDestroy } = stream as Partial<Pick<Socket, 'resetAndDestroy'>>;
  if (typeof resetAndDestroy !== 'function') return false;
  try {
    resetAndDestroy.call(stream);
    return true;
  } catch {
    return false; // a Unix socket cannot
  }
}
