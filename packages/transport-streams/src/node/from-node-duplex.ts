/// <reference types="node" />
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ByteDuplex } from '@rxtls/core';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { type Observable, Subscription } from 'rxjs';
import { checkOptions } from '@rxtls/core/engine-parts';
import { checkShape } from '../check-shape.ts';
import { rules } from '../rules.ts';
import { defaultHighWater, defaultLinger, type DuplexOptions, duplexRules, named } from '../duplex-options.ts';
import { singleUse } from '../single-use.ts';
import { streamError } from '../stream-error.ts';
import { WireDuplex } from '../wire-duplex.ts';
import { nodeClock } from './node-clock.ts';
import { NodeWire } from './node-wire.ts';

export interface NodeDuplexOptions extends DuplexOptions {
  /** Bytes whose write callbacks are outstanding before `demand` is 0 (default 256 KiB). */
  readonly writeHighWater?: number;
}

/**
 * Any `stream.Duplex` of bytes, when subscribed: a socket, the two ends of a child process, a stream of HTTP/2. Emits one duplex, for a
 * socket that is still connecting once it has connected, and lives as long as it: completes when both directions have ended,
 * errors when the stream failed or was destroyed (`AbortedError`). Nobody else may read or write it. Unsubscribing before
 * `sink.end()` destroys it (a TCP socket is reset); after it, what was written still goes out.
 *
 * @throws ApiMisuseError for what is no such stream, and for options that cannot be
 */
export function fromNodeDuplex(duplex: Duplex, options: NodeDuplexOptions = {}): Observable<ByteDuplex> {
  const own = checkOptions('fromNodeDuplex', options, { ...duplexRules, writeHighWater: rules.bytes });
  checkShape('fromNodeDuplex', duplex, 'a stream.Duplex', ['write', 'end', 'pause', 'resume', 'destroy']);
  if (duplex.readableObjectMode || duplex.writableObjectMode || duplex.readableEncoding !== null)
    throw new ApiMisuseError('fromNodeDuplex takes a stream of bytes, without objectMode and without setEncoding()');
  const { info = infoOf(duplex), writeHighWater = defaultHighWater, lingerTimeout = defaultLinger } = own;
  const what = named('stream', info);
  return singleUse('fromNodeDuplex', (subscriber) => {
    const emit = (): void => {
      const wire = new NodeWire(duplex, what);
      const adapted = new WireDuplex(wire, {
        what,
        info: own.info ?? infoOf(duplex),
        room: writeHighWater,
        lingerTimeout,
        clock: nodeClock,
        closed: (error) => (error ? subscriber.error(error) : subscriber.complete()),
      });
      subscriber.add(() => adapted.release());
      subscriber.next(adapted);
    };
    if (duplex.destroyed || duplex.readableEnded || duplex.writableEnded)
      return subscriber.error(new AbortedError(`${what}: it has ended already`, { phase: 'setup' }));
    duplex.pause();
    if (!isConnecting(duplex)) return emit();
    const failed = (cause: Error): void => subscriber.error(streamError(`${what}: cannot connect`, cause));
    const closed = (): void => failed(new Error('closed'));
    const forget = (): void => {
      duplex.off('connect', connected);
      duplex.off('close', closed);
    };
    const connected = (): void => {
      forget();
      duplex.off('error', failed);
      emit();
      waiting.unsubscribe();
    };
    const waiting = new Subscription(() => {
      forget();
      if (!isConnecting(duplex)) return;
      duplex.destroy(); // `failed` stays, for an error after that would be nobody's
    });
    duplex.on('connect', connected);
    duplex.on('error', failed);
    duplex.on('close', closed);
    subscriber.add(waiting);
  });
}

function isConnecting(duplex: Duplex): boolean {
  return (duplex as { connecting?: boolean }).connecting === true;
}

/** What a socket says of itself. */
function infoOf(duplex: Duplex): { readonly local?: string; readonly remote?: string } {
  const { localAddress, localPort, remoteAddress, remotePort } = duplex as Partial<Socket>;
  return {
    ...(localAddress !== undefined && localPort !== undefined && { local: endpoint(localAddress, localPort) }),
    ...(remoteAddress !== undefined && remotePort !== undefined && { remote: endpoint(remoteAddress, remotePort) }),
  };
}

function endpoint(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
