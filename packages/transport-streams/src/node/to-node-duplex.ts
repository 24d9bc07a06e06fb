/// <reference types="node" />
import type { ByteDuplex } from '@rxtls/core';
import { isObservable, type Observable } from 'rxjs';
import { checkOptions } from '@rxtls/core/engine-parts';
import { checkShape } from '../check-shape.ts';
import { rules } from '../rules.ts';
import { ConnectionStream } from './connection-stream.ts';

export interface ToNodeDuplexOptions {
  /** Bytes read ahead of whoever reads the stream (default 64 KiB). */
  readonly readableHighWaterMark?: number;
  /** Bytes that wait before `write` says false (default 64 KiB). */
  readonly writableHighWaterMark?: number;
  /** Keeps this side open when the other has ended (default false, as with sockets). */
  readonly allowHalfOpen?: boolean;
}

/**
 * A connection as Node's `stream.Duplex`, with what libraries expect of a socket: so `http.request({ createConnection })`, an
 * `http.Server` by its 'connection' event, database and mail clients sit on it. Bytes are asked for as the stream is read; a
 * write's callback comes when what lies below has taken it, and until then its array must not change; `end()` ends this
 * side; `destroy()` before both sides have ended cuts. What the connection ends with uncleanly is 'error'.
 *
 * Given an observable, such as `connect(…).pipe(secure(…))`, the stream subscribes to it and owns the connection: it emits
 * 'connect' when there is one, holds what is written until then, and unsubscribes when it is destroyed. Given a connection, what emitted
 * that owns it.
 *
 * @throws ApiMisuseError for what is neither, and for options that cannot be
 */
export function toNodeDuplex(
  connection: ByteDuplex | Observable<ByteDuplex>,
  options: ToNodeDuplexOptions = {},
): ConnectionStream {
  const own = checkOptions('toNodeDuplex', options, {
    readableHighWaterMark: rules.highWater,
    writableHighWaterMark: rules.highWater,
    allowHalfOpen: rules.flag,
  });
  if (!isObservable(connection)) {
    checkShape('toNodeDuplex', connection?.source, 'a connection or an observable of one', ['request']);
  }
  const { readableHighWaterMark = 64 * 1024, writableHighWaterMark = 64 * 1024, allowHalfOpen = false } = own;
  return new ConnectionStream(connection, { readableHighWaterMark, writableHighWaterMark, allowHalfOpen });
}
