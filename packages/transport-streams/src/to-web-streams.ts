import type { ByteDuplex } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import { checkOptions } from '@rxtls/core/engine-parts';
import { checkShape } from './check-shape.ts';
import { rules } from './rules.ts';
import { ChunkPuller } from './chunk-puller.ts';
import { SinkWriter } from './sink-writer.ts';
import type { WebReadable, WebWritable } from './web-stream-shapes.ts';

/** The runtime's own `ReadableStream` and `WritableStream`, where its types are there to name them. */
export interface RuntimeStreams {
  readonly readable: WebReadable &
    (typeof globalThis extends { ReadableStream: { prototype: infer Stream } } ? Stream : unknown);
  readonly writable: (typeof globalThis extends { WritableStream: { prototype: infer Stream } } ? Stream : unknown) &
    WebWritable;
}

export interface ToWebStreamsOptions {
  /** Bytes that wait in the readable although nobody has read them (default 0: each read asks for a chunk). */
  readonly readHighWater?: number;
  /** Bytes that wait in the writable before `ready` is pending (default 64 KiB). */
  readonly writeHighWater?: number;
}

/**
 * A connection as a pair of WHATWG streams. The readable asks for bytes as it is read; it closes where the other side has
 * ended and errors with what the connection ended with. A write is done when what lies below has taken it (`flushed`), and
 * until then the array must not change; `close()` ends this side and is done when that is out; `abort(reason)` cuts. `cancel()`
 * stops the reading, which holds the peer up; once the writable is closed too, it cuts.
 * The pair does not own the connection: what emitted it does.
 *
 * @throws ApiMisuseError for what is no connection, options that cannot be, and where the runtime has no such streams
 * @example
 * const { readable, writable } = toWebStreams(connection);
 */
export function toWebStreams(duplex: ByteDuplex, options: ToWebStreamsOptions = {}): RuntimeStreams {
  const own = checkOptions('toWebStreams', options, { readHighWater: rules.highWater, writeHighWater: rules.bytes });
  checkShape('toWebStreams', duplex?.source, 'a ByteDuplex, a TlsConnection for one', ['request']);
  const { readHighWater = 0, writeHighWater = 64 * 1024 } = own;
  const { ReadableStream, WritableStream } = globalThis as unknown as RuntimeConstructors;
  if (ReadableStream === undefined || WritableStream === undefined)
    throw new ApiMisuseError('toWebStreams: this runtime has no ReadableStream or no WritableStream');
  const size = (chunk?: Uint8Array): number => chunk?.byteLength ?? 1;
  const state: Halves = { isCancelled: false, isClosed: false };
  return {
    readable: new ReadableStream(readableFrom(duplex, state), { highWaterMark: readHighWater, size }),
    writable: new WritableStream(writableTo(duplex, state), { highWaterMark: writeHighWater, size }),
  } as unknown as RuntimeStreams;
}

interface Halves {
  isCancelled: boolean;
  isClosed: boolean;
}

interface ReadableController {
  enqueue(chunk: Uint8Array): void;
  close(): void;
  error(error: unknown): void;
}

interface RuntimeConstructors {
  readonly ReadableStream?: new (source: object, strategy: object) => object;
  readonly WritableStream?: new (sink: object, strategy: object) => object;
}

function readableFrom(duplex: ByteDuplex, state: Halves): object {
  let puller: ChunkPuller;
  return {
    start(controller: ReadableController): void {
      puller = new ChunkPuller(duplex.source, {
        chunk: (bytes) => controller.enqueue(bytes),
        end: () => controller.close(),
        error: (error) => controller.error(error),
      });
    },
    pull: (): void => puller.pull(),
    cancel(reason: unknown): void {
      puller.stop();
      state.isCancelled = true;
      if (state.isClosed) duplex.sink.abort(reason);
    },
  };
}

function writableTo(duplex: ByteDuplex, state: Halves): object {
  let writer: SinkWriter;
  const settled = (act: (done: (error?: unknown) => void) => void): Promise<void> =>
    new Promise((resolve, reject) => act((error) => (error === undefined ? resolve() : reject(error))));
  return {
    start(controller: Pick<ReadableController, 'error'>): void {
      writer = new SinkWriter(duplex, (error) => controller.error(error));
    },
    write(chunk: unknown): Promise<void> {
      if (!(chunk instanceof Uint8Array))
        throw new ApiMisuseError('a write takes a Uint8Array; encode text with TextEncoderStream');
      return settled((done) => writer.write([chunk], done));
    },
    async close(): Promise<void> {
      await settled((done) => writer.end(done));
      state.isClosed = true;
      if (state.isCancelled) duplex.sink.abort();
    },
    abort(reason: unknown): void {
      writer.stop();
      duplex.sink.abort(reason);
    },
  };
}
