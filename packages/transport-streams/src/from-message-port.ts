import type { ByteDuplex } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { Observable } from 'rxjs';
import { checkOptions } from '@rxtls/core/engine-parts';
import { checkShape } from './check-shape.ts';
import { named } from './duplex-options.ts';
import { type MessageDuplexOptions, messageDuplex, messageRules } from './message-duplex.ts';
import { PortLink } from './port-link.ts';

/**
 * A `MessagePort`, a `Worker`, or what a worker has in their place (`parentPort`, the global scope), of the DOM or of Node, as
 * far as it is needed: `on` where there is one, else `addEventListener`.
 */
export interface MessagePortLike {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  start?(): void;
  close?(): void;
  on?(type: string, listener: (value: unknown) => void): unknown;
  off?(type: string, listener: (value: unknown) => void): unknown;
  addEventListener?(type: string, listener: (event: unknown) => void): void;
  removeEventListener?(type: string, listener: (event: unknown) => void): void;
}

/**
 * A duplex over a message port, when subscribed; the other end is this function too, in another realm. Emits when the other
 * end is there, and lives as long as the connection: completes when both directions have ended, errors when the other end
 * aborted, closed the port or never came (`AbortedError`) or broke the protocol (`PeerMisbehavedError`). The port is closed at the end; a worker
 * is left to whoever has made it. Arrays that are whole are transferred, not copied.
 *
 * @throws ApiMisuseError for what is no port, and for options that cannot be
 * @example
 * const { port1, port2 } = new MessageChannel();
 * fromMessagePort(port2).subscribe(({ source, sink }) => {
 *   source.request(Infinity);
 *   source.bytes.subscribe({ next: (bytes) => sink.write(bytes), complete: () => sink.end() });
 * });
 * fromMessagePort(port1).subscribe(({ sink }) => sink.end());
 */
export function fromMessagePort(port: MessagePortLike, options: MessageDuplexOptions = {}): Observable<ByteDuplex> {
  const own = checkOptions('fromMessagePort', options, messageRules);
  checkShape('fromMessagePort', port, 'a MessagePort or a worker', ['postMessage']);
  if (typeof port.on !== 'function' && typeof port.addEventListener !== 'function')
    throw new ApiMisuseError(
      'fromMessagePort takes a MessagePort or a worker; this has neither on() nor addEventListener()',
    );
  const what = named('port', own.info);
  return messageDuplex('fromMessagePort', what, own, () => new PortLink(port, what));
}
