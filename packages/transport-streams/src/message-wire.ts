// A byte duplex over messages, when both ends are ours.
//
// Messages come as fast as the other side sends them: no port and no data channel can be told to wait. So the ends tell each other:
// each says at the start how many bytes it takes (its window), and then how many more as its reader has taken them. What may
// not go yet waits here. An end that gets more than it asked for, or what is no word of ours, has no peer that keeps to the
// protocol, and gives up.
//
// Both ends ask at the start, and whoever is asked answers: a first word that was sent before the other side listened is lost with
// some workers, and one that is heard twice says nothing new.

import { Fifo } from '@rxtls/core';
import { AbortedError, PeerMisbehavedError, TlsError } from '@rxtls/core/engine';
import { parseWord, type Word, word } from './message-words.ts';
import type { MessageLink, MessageListener } from './message-link.ts';
import { receivedBytes } from './received-bytes.ts';
import { streamError } from './stream-error.ts';
import type { Wire } from './wire.ts';
import type { WireDuplex } from './wire-duplex.ts';

export interface MessageWireOptions {
  /** Names the link in messages. */
  readonly what: string;
  /** Bytes the other end may send before they are read. */
  readonly window: number;
  /** The other end is there, and takes so many bytes before they are read there. */
  readonly connected: (wire: MessageWire, room: number) => void;
  /** It failed before. */
  readonly refused: (error: TlsError) => void;
}

export class MessageWire implements Wire, MessageListener {
  readonly #link: MessageLink;
  readonly #options: MessageWireOptions;
  readonly #queue = new Fifo<Uint8Array>();
  #duplex: WireDuplex | undefined;
  #isReady = false;
  #hellos = 0;
  /** The other end's window. */
  #room = 0;
  /** Bytes the other end takes now, and bytes that it has and has not asked for again. */
  #credit = 0;
  #outstanding = 0;
  /** Bytes the other end may send now, and bytes that were read and have not been asked for again. */
  #allowance: number;
  #ungranted = 0;
  #willGrant = false;
  #isPumping = false;
  #isEnding = false;
  #hasSaidEnd = false;
  #hasHeardEnd = false;
  #isOver = false;

  constructor(link: MessageLink, options: MessageWireOptions) {
    this.#link = link;
    this.#options = options;
    this.#allowance = options.window;
  }

  /** Listens, and asks whether the other end is there. */
  start(): void {
    try {
      this.#link.open(this);
    } catch (cause) {
      this.#broke(streamError(this.#options.what, cause));
    }
  }

  /** Nobody waits for the other end any more. */
  giveUp(): void {
    if (!this.#isOver && this.#duplex === undefined) this.#leave();
  }

  // ── Wire ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  attach(duplex: WireDuplex): void {
    this.#duplex = duplex;
  }

  write(bytes: Uint8Array): void {
    this.#queue.push(bytes);
  }

  flush(): void {
    this.#pump();
  }

  end(): void {
    this.#isEnding = true;
    this.#pump();
  }

  /** What comes is bounded by the window: it may wait in the duplex. */
  flow(): void {
    return undefined;
  }

  read(bytes: number): void {
    if (this.#isOver || this.#hasHeardEnd) return;
    this.#ungranted += bytes;
    if (this.#ungranted * 4 >= this.#options.window) return this.#grant();
    if (this.#willGrant) return;
    this.#willGrant = true;
    void Promise.resolve().then(() => this.#grant());
  }

  cut(): void {
    if (!this.#isOver) this.#leave();
    this.#duplex?.gone();
  }

  release(): void {
    this.#isOver = true;
    this.#link.close();
  }

  // ── MessageListener ──────────────────────────────────────────────────────────────────────────────────────────────────

  ready(): void {
    this.#isReady = true;
    this.#say(word.ask(this.#options.window));
    this.#meet();
  }

  message(data: unknown): void {
    if (this.#isOver) return;
    if (typeof data === 'string') {
      const heard = parseWord(data);
      if (heard === undefined) this.#misbehaved('a text that is no word of the protocol');
      else this.#hear(heard);
      return;
    }
    const bytes = receivedBytes(data);
    if (bytes === undefined) this.#misbehaved('a message that is neither text nor bytes');
    else this.#receive(bytes);
  }

  roomy(): void {
    this.#pump();
  }

  closed(error: TlsError): void {
    if (this.#isOver) return;
    if (this.#hasHeardEnd && this.#duplex !== undefined) this.#duplex.sinkFailed(error);
    else this.#broke(error);
  }

  // ── the two roads ────────────────────────────────────────────────────────────────────────────────────────────────────

  #hear(heard: Word): void {
    if (heard.type === 'hello') return this.#greet(heard.asks, heard.window);
    if (heard.type === 'abort') return this.#wasAborted();
    if (this.#duplex === undefined) return this.#misbehaved(`'${heard.type}' before its first word`);
    if (heard.type === 'more') return this.#mayMore(this.#duplex, heard.bytes);
    if (this.#hasHeardEnd) return this.#misbehaved('a second end');
    this.#hasHeardEnd = true;
    this.#duplex.receivedEnd();
  }

  #greet(asks: boolean, window: number): void {
    this.#hellos++;
    if (this.#hellos > 2) return this.#misbehaved('a third greeting');
    if (this.#hellos === 1) this.#room = window;
    if (!this.#isReady) return; // it will be asked then, which is an answer too
    if (asks) this.#say(word.answer(this.#options.window));
    this.#meet();
  }

  #meet(): void {
    if (this.#room === 0 || this.#duplex !== undefined || this.#isOver) return;
    this.#credit = this.#room;
    this.#options.connected(this, this.#room);
  }

  #mayMore(duplex: WireDuplex, bytes: number): void {
    if (bytes > this.#outstanding) return this.#misbehaved('more credit than it has bytes');
    this.#outstanding -= bytes;
    this.#credit += bytes;
    this.#pump();
    duplex.freed(bytes);
  }

  #wasAborted(): void {
    const error = new AbortedError(`${this.#options.what}: the other end aborted`, { phase: 'open', retryable: true });
    if (this.#hasHeardEnd) this.#duplex?.sinkFailed(error);
    else this.#broke(error);
  }

  #receive(bytes: Uint8Array): void {
    const duplex = this.#duplex;
    if (duplex === undefined) return this.#misbehaved('bytes before its first word');
    if (this.#hasHeardEnd) return this.#misbehaved('bytes after its end');
    if (bytes.length === 0) return this.#misbehaved('a message without bytes');
    if (bytes.length > this.#allowance) return this.#misbehaved('more bytes than it was asked for');
    this.#allowance -= bytes.length;
    duplex.received(bytes);
  }

  #grant(): void {
    this.#willGrant = false;
    const bytes = this.#ungranted;
    if (bytes === 0 || this.#isOver || this.#hasHeardEnd) return;
    this.#ungranted = 0;
    this.#allowance += bytes;
    this.#say(word.more(bytes));
  }

  /** Sends what may go; one loop however deep the handlers that it reaches write again. */
  #pump(): void {
    if (this.#isPumping || this.#isOver) return;
    this.#isPumping = true;
    try {
      while (this.#queue.size > 0 && this.#credit > 0 && !this.#link.isFull && !this.#isOver) this.#postOne();
    } finally {
      this.#isPumping = false;
    }
    if (!this.#isEnding || this.#hasSaidEnd || this.#queue.size > 0 || this.#isOver) return;
    this.#hasSaidEnd = true;
    this.#say(word.end);
    this.#duplex?.finished();
  }

  #postOne(): void {
    const bytes = this.#queue.shift()!;
    const length = Math.min(bytes.length, this.#credit, this.#link.largest);
    if (length < bytes.length) this.#queue.unshift(bytes.subarray(length));
    this.#credit -= length;
    this.#outstanding += length;
    try {
      this.#link.post(length < bytes.length ? bytes.subarray(0, length) : bytes);
    } catch (cause) {
      return this.#broke(streamError(this.#options.what, cause));
    }
    this.#duplex?.went(length);
  }

  #say(text: string): void {
    try {
      this.#link.say(text);
    } catch (cause) {
      // a last word that cannot be said has nobody to hear it
      if (!this.#isOver) this.#broke(streamError(this.#options.what, cause));
    }
  }

  // ── the ways out ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #misbehaved(how: string): void {
    this.#broke(new PeerMisbehavedError(`${this.#options.what}: the other end sent ${how}`, { phase: 'open' }));
  }

  #broke(error: TlsError): void {
    if (this.#duplex !== undefined) return this.#duplex.fail(error);
    if (this.#isOver) return;
    this.#leave();
    this.#options.refused(error);
  }

  #leave(): void {
    this.#isOver = true;
    this.#queue.clear();
    this.#say(word.abort);
    this.#link.close();
  }
}
