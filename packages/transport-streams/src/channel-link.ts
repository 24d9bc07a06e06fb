import { AbortedError, type TlsError } from '@rxtls/core/engine';
import type { DataChannelLike } from './from-data-channel.ts';
import type { MessageLink, MessageListener } from './message-link.ts';
import { streamError } from './stream-error.ts';

/** An `RTCDataChannel`, which says how much of what it was given has not left yet. */
export class ChannelLink implements MessageLink {
  readonly largest: number;
  readonly #channel: DataChannelLike;
  readonly #what: string;
  readonly #sendHighWater: number;
  #removers: (() => void)[] = [];

  constructor(channel: DataChannelLike, what: string, largest: number, sendHighWater: number) {
    this.#channel = channel;
    this.#what = what;
    this.largest = largest;
    this.#sendHighWater = sendHighWater;
  }

  get isFull(): boolean {
    return this.#channel.bufferedAmount >= this.#sendHighWater;
  }

  open(listener: MessageListener): void {
    const channel = this.#channel;
    channel.binaryType = 'arraybuffer';
    channel.bufferedAmountLowThreshold = this.#sendHighWater >> 1;
    const closed = (cause?: unknown): TlsError =>
      cause === undefined
        ? new AbortedError(`${this.#what}: closed by the other side`, { phase: 'open', retryable: true })
        : streamError(this.#what, cause);
    this.#on('message', (event) => listener.message((event as { data?: unknown }).data));
    this.#on('bufferedamountlow', () => listener.roomy());
    this.#on('error', (event) => listener.closed(closed((event as { error?: unknown }).error)));
    this.#on('close', () => listener.closed(closed()));
    if (channel.readyState === 'open') listener.ready();
    else if (channel.readyState === 'connecting') this.#on('open', () => listener.ready());
    else listener.closed(closed());
  }

  post(bytes: Uint8Array): void {
    this.#channel.send(bytes);
  }

  say(text: string): void {
    this.#channel.send(text);
  }

  close(): void {
    for (const remove of this.#removers) remove();
    this.#removers = [];
    this.#channel.close();
  }

  #on(type: string, listener: (event: unknown) => void): void {
    this.#channel.addEventListener(type, listener);
    this.#removers.push(() => this.#channel.removeEventListener(type, listener));
  }
}
