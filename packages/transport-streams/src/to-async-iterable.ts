import { type ByteDuplex, Fifo } from '@rxtls/core';
import { checkShape } from './check-shape.ts';
import { ChunkPuller } from './chunk-puller.ts';

/**
 * The bytes of a connection, a chunk each time it is asked: whoever is slow holds the peer up. Ends when the other side has
 * ended; throws what `source.bytes` errors with (`TruncationError`, `AbortedError`, …). Leaving the loop lets go of the bytes
 * and of nothing else: another reader goes on where it stopped.
 *
 * @throws ApiMisuseError for what is no connection
 * @example
 * for await (const bytes of toAsyncIterable(connection)) console.log(bytes.length);
 */
export function toAsyncIterable(duplex: ByteDuplex): AsyncIterableIterator<Uint8Array> {
  checkShape('toAsyncIterable', duplex?.source, 'a ByteDuplex, a TlsConnection for one', ['request']);
  return new ByteIterator(duplex);
}

interface Waiter {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

const done: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

class ByteIterator implements AsyncIterableIterator<Uint8Array> {
  readonly #duplex: ByteDuplex;
  readonly #waiters = new Fifo<Waiter>();
  /** Chunks that nobody waited for: only where somebody else had asked for bytes. */
  readonly #chunks = new Fifo<Uint8Array>();
  #puller: ChunkPuller | undefined;
  #end: { readonly error?: unknown } | undefined;

  constructor(duplex: ByteDuplex) {
    this.#duplex = duplex;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (this.#end === undefined)
        this.#puller ??= new ChunkPuller(this.#duplex.source, {
          chunk: (bytes) => {
            this.#chunks.push(bytes);
            this.#serve();
          },
          end: () => this.#finish({}),
          error: (error) => this.#finish({ error }),
        });
      this.#serve();
    });
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#puller?.stop();
    const rest: Uint8Array[] = [];
    for (let bytes = this.#chunks.shift(); bytes; bytes = this.#chunks.shift()) rest.unshift(bytes);
    for (const bytes of rest) this.#duplex.unread(bytes);
    this.#finish({});
    return Promise.resolve(done);
  }

  #finish(end: { readonly error?: unknown }): void {
    this.#end ??= end;
    this.#serve();
  }

  #serve(): void {
    while (this.#waiters.size > 0) {
      const bytes = this.#chunks.shift();
      if (bytes !== undefined) this.#waiters.shift()!.resolve({ done: false, value: bytes });
      else if (this.#end !== undefined) this.#tell(this.#waiters.shift()!, this.#end);
      else return this.#puller?.pull();
    }
  }

  /** An error is thrown once; after it there is nothing more. */
  #tell(waiter: Waiter, end: { readonly error?: unknown }): void {
    this.#end = {};
    if ('error' in end) waiter.reject(end.error);
    else waiter.resolve(done);
  }
}
