import { AbortedError, PeerMisbehavedError, type TlsError } from '@rxtls/core/engine';
import type { MessagePortLike } from './from-message-port.ts';
import type { MessageLink, MessageListener } from './message-link.ts';
import { streamError } from './stream-error.ts';

/** What a listener of the DOM is told. */
interface MessageLikeEvent {
  readonly data?: unknown;
  readonly error?: unknown;
  readonly message?: unknown;
}

/** A `MessagePort`, a worker, or what a worker has in their place; of the DOM's kind or of Node's. */
export class PortLink implements MessageLink {
  readonly largest: number = Number.POSITIVE_INFINITY;
  readonly isFull = false;
  readonly #port: MessagePortLike;
  readonly #what: string;
  #removers: (() => void)[] = [];

  constructor(port: MessagePortLike, what: string) {
    this.#port = port;
    this.#what = what;
  }

  open(listener: MessageListener): void {
    const vanished = (): TlsError =>
      new AbortedError(`${this.#what}: closed by the other side`, { phase: 'open', retryable: true });
    const unreadable = `${this.#what}: a message could not be read`;
    this.#on('message', (data) => listener.message(data));
    this.#on('messageerror', () => listener.closed(new PeerMisbehavedError(unreadable, { phase: 'open' })));
    this.#on('error', (cause) => listener.closed(streamError(this.#what, cause)));
    this.#on('close', () => listener.closed(vanished()));
    this.#on('exit', () => listener.closed(vanished()));
    this.#port.start?.();
    listener.ready();
  }

  post(bytes: Uint8Array): void {
    const whole = isWhole(bytes) ? bytes : new Uint8Array(bytes);
    try {
      this.#port.postMessage(whole, [whole.buffer]);
    } catch (cause) {
      // Some memory cannot be transferred, a WebAssembly module's for one; a copy can. What fails then has another reason.
      if (whole !== bytes) throw cause;
      const copy = new Uint8Array(bytes);
      this.#port.postMessage(copy, [copy.buffer]);
    }
  }

  say(text: string): void {
    this.#port.postMessage(text, []);
  }

  /** Only a port is closed: a worker is its owner's to end, and `close()` inside one would end it. */
  close(): void {
    for (const remove of this.#removers) remove();
    this.#removers = [];
    if (typeof this.#port.start === 'function') this.#port.close?.();
  }

  #on(type: string, heard: (value: unknown) => void): void {
    const port = this.#port;
    if (typeof port.on === 'function') {
      port.on(type, heard);
      this.#removers.push(() => port.off?.(type, heard));
      return;
    }
    const listener = (event: unknown): void => {
      const { data, error, message } = event as MessageLikeEvent;
      heard(type === 'message' ? data : (error ?? message));
    };
    port.addEventListener?.(type, listener);
    this.#removers.push(() => port.removeEventListener?.(type, listener));
  }
}

/** All of its memory is this array's, and none of it shared: it can be given away. */
function isWhole(bytes: Uint8Array): bytes is Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer;
}
