import { createHash } from 'node:crypto';
import type { Ledger } from '@rxtls/core';

/** A client's connection to an echo. */
export interface Talk {
  /** Our end of the wire, as the server knows it. */
  readonly local: string;
  readonly resumed: boolean;
  /** The fingerprint of the leaf that the server has shown, asked of the connection each time. */
  leaf(): string;
  /** Resolves when the same bytes have come back. One at a time. */
  say(bytes: Uint8Array): Promise<void>;
  /** Begins to close: `half` says close_notify and reads on, where the version has that. */
  close(how: 'half' | 'whole'): void;
  /** Both sides have closed cleanly, and what became of what was written, where the client can tell. Rejects for any other end. */
  readonly over: Promise<Ledger | undefined>;
  cut(): void;
}

export type Dial = (port: number) => Promise<Talk>;

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Awaited {
  readonly digest: string;
  readonly hasher: ReturnType<typeof createHash>;
  left: number;
  done(): void;
  failed(error: unknown): void;
}

/** What has been said and not come back. */
export class Echo {
  #awaited: Awaited | undefined;
  #failure: unknown;

  expect(bytes: Uint8Array): Promise<void> {
    return new Promise((done, failed) => {
      if (this.#failure !== undefined) failed(this.#failure);
      else this.#awaited = { digest: hash(bytes), hasher: createHash('sha256'), left: bytes.length, done, failed };
    });
  }

  heard(bytes: Uint8Array): void {
    const awaited = this.#awaited;
    if (awaited === undefined || bytes.length > awaited.left)
      return this.fail(new Error('more came back than was said'));
    awaited.left -= bytes.length;
    awaited.hasher.update(bytes);
    if (awaited.left > 0) return;
    this.#awaited = undefined;
    if (awaited.hasher.digest('hex') === awaited.digest) awaited.done();
    else this.fail(new Error('other bytes came back than were said'), awaited);
  }

  /** The end: whatever is awaited, and whatever is said later, fails. */
  fail(error: unknown, awaited: Awaited | undefined = this.#awaited): void {
    this.#failure ??= error;
    awaited?.failed(error);
  }

  /** At the end: nothing is under way, and nothing went wrong. */
  check(): void {
    if (this.#awaited !== undefined) this.fail(new Error('the connection ended before all had come back'));
    if (this.#failure !== undefined) throw this.#failure;
  }
}
