import { Fifo } from '@rxtls/core';
import type { Wire, WireOwner } from './wire.ts';

/** The class of `ws`, by what is used of it beyond the standard. */
export interface PausableWebSocket {
  binaryType: string;
  readonly protocol: string;
  on(event: 'open', listener: () => void): unknown;
  on(event: 'message', listener: (data: Uint8Array, isBinary: boolean) => void): unknown;
  on(event: 'close', listener: (code: number, reason: Uint8Array) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  send(data: Uint8Array, sent: (error?: Error | null) => void): void;
  pause(): void;
  resume(): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
}

/**
 * A WebSocket of `ws`: it can be paused, tells when a message has left, and can be cut. A paused one has handed out what one
 * read of the socket held, and then TCP stops the peer.
 */
export class PausableWire implements Wire {
  owner: WireOwner;
  readonly mayHaveDropped = false;
  readonly #socket: PausableWebSocket;
  /** Lengths of the messages that have not left. */
  readonly #lengths = new Fifo<number>();
  #sent = 0;
  #taken = 0;

  constructor(socket: PausableWebSocket, owner: WireOwner) {
    this.#socket = socket;
    this.owner = owner;
    socket.binaryType = 'nodebuffer'; // views of what was read, where `arraybuffer` would copy
    socket.on('open', () => this.owner.opened());
    socket.on('message', (data, isBinary) => {
      if (!isBinary) return this.owner.text();
      this.owner.message(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    });
    socket.on('error', (error) => this.owner.failed(error));
    socket.on('close', (code, reason) => this.owner.closed({ code, reason, unsent: this.#sent - this.#taken }));
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  send(bytes: Uint8Array): void {
    this.#sent += bytes.length;
    this.#lengths.push(bytes.length);
    this.#socket.send(bytes, this.#left);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
  }

  cut(): void {
    this.#socket.terminate();
  }

  /** Called once for each message, in order; after an error for those behind it too. */
  readonly #left = (error?: Error | null): void => {
    const length = this.#lengths.shift() ?? 0;
    if (error) return; // `closed` counts it as unsent
    this.#taken += length;
    this.owner.taken(this.#taken);
  };
}
