// An end of a connection of rxtls, used as an application uses one.
import type { TlsConnection } from '@rxtls/core';
import type { End } from './variant.ts';

export class CoreEnd implements End {
  received: (bytes: Uint8Array) => void = () => {};
  /** Settles when the peer has closed, or the connection broke. */
  readonly ended: Promise<void>;
  readonly #connection: TlsConnection;

  constructor(connection: TlsConnection) {
    this.#connection = connection;
    this.ended = new Promise((resolve, reject) => {
      connection.plaintext.subscribe({
        next: (bytes) => this.received(bytes),
        complete: resolve,
        error: reject,
      });
    });
    this.ended.catch(() => undefined);
  }

  get resumed(): boolean {
    return this.#connection.negotiated.resumed;
  }

  send(bytes: Uint8Array): void {
    this.#connection.write(bytes);
  }

  pour(chunks: Iterable<Uint8Array>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.writeFrom(chunks).subscribe({ complete: resolve, error: reject });
    });
  }

  close(): void {
    this.#connection.close().subscribe({ error: () => undefined });
  }
}
