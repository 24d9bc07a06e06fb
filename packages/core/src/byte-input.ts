import { isObservable, type Observable } from 'rxjs';
import type { ByteSource } from './duplex.ts';
import { ApiMisuseError } from './engine/index.ts';

/** A WHATWG readable stream, as far as pulling from it needs; true of the DOM's, Node's and Deno's. */
export interface ReadableStreamOfBytes {
  getReader(): {
    read(): PromiseLike<{ done: boolean; value?: Uint8Array | undefined }>;
    cancel(reason?: unknown): PromiseLike<void>;
    releaseLock(): void;
  };
}

/**
 * Bytes to be written. Iterables and readable streams are pulled only as fast as the connection takes them, and an array that they
 * gave has to stay as it is until the next one is asked for; an observable pushes, so what it emits past the queue's bound is refused.
 */
export type ByteInput =
  | Iterable<Uint8Array>
  | AsyncIterable<Uint8Array>
  | ReadableStreamOfBytes
  | PromiseLike<Uint8Array>
  | Observable<Uint8Array>;

/** What a puller gives after the last chunk; a value of its own, for `undefined` is a mistake and no end. */
export const inputEnd: unique symbol = Symbol('end of input');

/** Gives the next chunk, unchecked, or {@link inputEnd}. */
export interface Puller {
  next(): unknown;
  stop(): void;
}

const has = (value: object, name: PropertyKey): boolean => typeof Reflect.get(value, name) === 'function';

export const isByteSource = (input: unknown): input is ByteSource =>
  typeof input === 'object' && input !== null && has(input, 'request') && isObservable((input as ByteSource).bytes);

/** A puller for everything that can be pulled. @throws ApiMisuseError */
export function pullerOf(input: unknown): Puller {
  if (typeof input !== 'object' || input === null || ArrayBuffer.isView(input))
    throw new ApiMisuseError(
      'bytes to write come as an iterable, an async iterable, a ReadableStream, a promise, an observable or a ByteSource of Uint8Array; wrap a single chunk in a list: [chunk]',
    );
  if (has(input, 'getReader')) return pullStream(input as ReadableStreamOfBytes);
  if (has(input, Symbol.asyncIterator)) return pullAsync(input as AsyncIterable<Uint8Array>);
  if (has(input, Symbol.iterator)) return pullSync(input as Iterable<Uint8Array>);
  if (has(input, 'then')) return pullPromise(input as PromiseLike<Uint8Array>);
  throw new ApiMisuseError(
    'bytes to write come as an iterable, an async iterable, a ReadableStream, a promise, an observable or a ByteSource of Uint8Array',
  );
}

function pullSync(input: Iterable<Uint8Array>): Puller {
  const iterator = input[Symbol.iterator]();
  return {
    next() {
      const { done, value } = iterator.next();
      return done === true ? inputEnd : value;
    },
    stop: () => ignoring(() => iterator.return?.()),
  };
}

function pullAsync(input: AsyncIterable<Uint8Array>): Puller {
  const iterator = input[Symbol.asyncIterator]();
  return {
    next: async () => {
      const { done, value } = await iterator.next();
      return done === true ? inputEnd : value;
    },
    stop: () => ignoring(() => iterator.return?.()),
  };
}

function pullStream(input: ReadableStreamOfBytes): Puller {
  const reader = input.getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? inputEnd : value;
    },
    stop: () => ignoring(() => reader.cancel()),
  };
}

function pullPromise(input: PromiseLike<Uint8Array>): Puller {
  let isDone = false;
  return {
    next() {
      if (isDone) return inputEnd;
      isDone = true;
      return input;
    },
    stop: () => undefined,
  };
}

/** Stops a source: nobody waits any more for what it says to that. */
function ignoring(stop: () => unknown): void {
  void (async () => stop())().then(undefined, () => undefined);
}
