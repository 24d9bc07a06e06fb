import type { ByteSource } from '@rxtls/core';
import { Subscription } from 'rxjs';

/** What came of pulling. */
export interface ChunkHandlers {
  chunk(bytes: Uint8Array): void;
  end(): void;
  error(error: unknown): void;
}

/**
 * One chunk for each `pull()`, by exactly the credit that takes: what the last chunks went past it is made good first. A
 * chunk that was not pulled comes only where somebody else has asked for bytes before.
 */
export class ChunkPuller {
  readonly #source: ByteSource;
  readonly #subscription = new Subscription();
  #owed = 1;
  #isPulling = false;

  constructor(source: ByteSource, handlers: ChunkHandlers) {
    this.#source = source;
    this.#subscription.add(
      source.bytes.subscribe({
        next: (bytes) => {
          this.#isPulling = false;
          this.#owed += bytes.length;
          handlers.chunk(bytes);
        },
        complete: () => handlers.end(),
        error: (error: unknown) => handlers.error(error),
      }),
    );
  }

  /** Asks for the next chunk, unless that is being waited for. */
  pull(): void {
    if (this.#isPulling || this.#subscription.closed) return;
    this.#isPulling = true;
    const owed = this.#owed;
    this.#owed = 0;
    this.#source.request(owed);
  }

  /** Lets go of the bytes: what was not read is there for the next subscriber, who finds no debt of ours. */
  stop(): void {
    if (this.#subscription.closed) return;
    this.#subscription.unsubscribe();
    if (!this.#isPulling) this.#source.request(this.#owed - 1);
  }
}
