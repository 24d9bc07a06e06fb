import type { ByteDuplex } from '@rxtls/core';
import type { Subscription } from 'rxjs';

/** One connection with both ends at hand. */
export interface TransportPair {
  readonly a: ByteDuplex;
  readonly b: ByteDuplex;
  /** Frees everything, whatever the case has left open. */
  close(): Promise<void> | void;
}

export interface TransportComplianceOptions {
  /** A fresh connection for every case. */
  readonly pair: () => Promise<TransportPair>;
  /** The other end can tell an abort from an end (default true; false where the wire can only close). */
  readonly abortShows?: boolean;
  /** Each direction can end by itself (default true). */
  readonly halfClose?: boolean;
  /** A reader that does not read holds the writer up (default true; false where what arrives is pushed and cannot be stopped). */
  readonly backPressure?: boolean;
  /** Bytes that may be on their way to a reader that does not read, all buffers together (default 32 MiB). */
  readonly bound?: number;
  /** Milliseconds for one case (default 10 000). */
  readonly timeout?: number;
}

/** A promise of the transport: `run` throws when it is broken. */
export interface TransportCase {
  readonly name: string;
  run(): Promise<void>;
}

/** What a case gets: the two ends, and the options with their defaults. */
export interface Bench {
  readonly a: ByteDuplex;
  readonly b: ByteDuplex;
  readonly abortShows: boolean;
  readonly bound: number;
  /** Waits until something holds; `what` is what the failure says. */
  readonly until: (holds: () => boolean, what: string) => Promise<void>;
}

export type Case = readonly [name: string, run: (bench: Bench) => Promise<void>];

/** Reads `bytes` and remembers what happened; with credit only where asked for. */
export class Reader {
  readonly chunks: Uint8Array[] = [];
  completions = 0;
  readonly errors: unknown[] = [];
  readonly subscription: Subscription;
  #total = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(duplex: ByteDuplex, credit = 0, each: (chunk: Uint8Array) => void = () => {}) {
    if (credit > 0) duplex.source.request(credit);
    this.subscription = duplex.source.bytes.subscribe({
      next: (chunk) => {
        this.chunks.push(chunk);
        this.#total += chunk.length;
        try {
          each(chunk);
        } catch (error) {
          this.#failure ??= { error }; // thrown here it would be RxJS's to report, and nobody's to catch
        }
      },
      error: (error: unknown) => this.errors.push(error),
      complete: () => this.completions++,
    });
  }

  /** Bytes read; throws what a check inside an emission threw. */
  get total(): number {
    if (this.#failure) throw this.#failure.error;
    return this.#total;
  }

  /** Forgets the last chunk, which is going to come again. */
  takeBack(): Uint8Array {
    const chunk = this.chunks.pop() ?? new Uint8Array(0);
    this.#total -= chunk.length;
    return chunk;
  }

  get finished(): boolean {
    return this.completions + this.errors.length > 0;
  }

  get bytes(): Uint8Array {
    return joined(this.chunks);
  }
}

/** Watches a level: every value, and how it ended. */
export class Watch {
  readonly values: number[] = [];
  completions = 0;
  readonly errors: unknown[] = [];

  constructor(level: ByteDuplex['sink']['demand']) {
    level.subscribe({
      next: (value) => this.values.push(value),
      error: (error: unknown) => this.errors.push(error),
      complete: () => this.completions++,
    });
  }

  get latest(): number {
    return this.values.at(-1) ?? Number.NaN;
  }
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return all;
}

/** Bytes that differ from their neighbours and from the same place in another run: `start` is the offset in the stream. */
export function pattern(length: number, start = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (Math.imul(start + i, 0x9e3779b1) >>> 13) & 0xff;
  return bytes;
}

export function check(holds: boolean, promise: string): void {
  if (!holds) throw new Error(promise);
}

export function checkBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  check(actual.length === expected.length, `${what}: ${actual.length} bytes, not ${expected.length}`);
  const at = actual.findIndex((byte, index) => byte !== expected[index]);
  check(at === -1, `${what}: differs at offset ${at}`);
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));

export function hasName(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name;
}
