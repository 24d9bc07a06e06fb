import type { ByteDuplex } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { Observable } from 'rxjs';
import { checkOptions } from '@rxtls/core/engine-parts';
import { checkShape } from './check-shape.ts';
import { rules } from './rules.ts';
import { asyncClock } from './clock.ts';
import { defaultHighWater, defaultLinger, type DuplexOptions, duplexRules, named } from './duplex-options.ts';
import { singleUse } from './single-use.ts';
import type { WebReadable, WebWritable } from './web-stream-shapes.ts';
import { WebWire } from './web-wire.ts';
import { WireDuplex } from './wire-duplex.ts';

/** A stream to read and one to write: a WebTransport stream, a socket of Deno or Cloudflare, a serial port. */
export interface WebStreamPair {
  readonly readable: WebReadable;
  readonly writable: WebWritable;
}

export interface WebStreamsOptions extends DuplexOptions {
  /** Bytes whose write promises are open before `demand` is 0 (default 256 KiB). */
  readonly writeHighWater?: number;
  /** Called once, when both streams are done with and their locks released: closes the socket or port they belong to. */
  readonly close?: () => unknown;
}

/**
 * A pair of WHATWG streams, when subscribed. Emits one duplex and lives as long as it: completes when both streams have
 * ended, errors when one broke or was aborted (`AbortedError`). Chunks are read only with credit. Unsubscribing before
 * `sink.end()` aborts the writable and cancels the readable; after it, what was written still goes out.
 *
 * @throws ApiMisuseError for what is no such pair, and for options that cannot be
 * @example
 * fromWebStreams(new TransformStream<Uint8Array, Uint8Array>()).subscribe(({ source, sink }) => {
 *   source.request(Infinity);
 *   source.bytes.subscribe((bytes) => console.log(bytes));
 *   sink.write(Uint8Array.of(1, 2, 3));
 *   sink.end();
 * });
 */
export function fromWebStreams(pair: WebStreamPair, options: WebStreamsOptions = {}): Observable<ByteDuplex> {
  const own = checkOptions('fromWebStreams', options, {
    ...duplexRules,
    writeHighWater: rules.bytes,
    close: rules.callback,
  });
  checkShape('fromWebStreams', pair?.readable, 'a pair with a ReadableStream', ['getReader']);
  checkShape('fromWebStreams', pair?.writable, 'a pair with a WritableStream', ['getWriter']);
  const { info = {}, writeHighWater = defaultHighWater, lingerTimeout = defaultLinger, close } = own;
  const what = named('streams', info);
  return singleUse('fromWebStreams', (subscriber) => {
    let wire: WebWire;
    try {
      wire = new WebWire(pair, what, close);
    } catch (cause) {
      const message = 'fromWebStreams: a stream is locked; release its reader or writer first';
      subscriber.error(new ApiMisuseError(message, { cause }));
      return;
    }
    const duplex = new WireDuplex(wire, {
      what,
      info,
      room: writeHighWater,
      lingerTimeout,
      clock: asyncClock,
      closed: (error) => (error ? subscriber.error(error) : subscriber.complete()),
    });
    subscriber.add(() => duplex.release());
    subscriber.next(duplex);
  });
}
