// An end that is a Duplex of Node: node:tls, and what looks like it.
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { pour } from './pour.ts';
import type { End } from './variant.ts';

export class StreamEnd implements End {
  received: (bytes: Uint8Array) => void = () => {};
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.received(chunk));
  }

  send(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  pour(chunks: Iterable<Uint8Array>): Promise<void> {
    return pour(chunks, (chunk) => this.#stream.write(chunk), this.#stream);
  }

  end(): void {
    this.#stream.end();
  }

  closed(): Promise<unknown> {
    return once(this.#stream, 'close');
  }
}
