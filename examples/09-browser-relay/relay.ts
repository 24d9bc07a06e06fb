// The relay: WebSockets on one side, one TCP server on the other. It holds no key, and nobody has to trust it.
import type { IncomingMessage } from 'node:http';
import type { ByteDuplex } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { listenWebSocket, type WebSocketAddress } from '@rxtls/transport-websocket/node';
import {
  catchError,
  endWith,
  finalize,
  map,
  merge,
  mergeMap,
  type Observable,
  of,
  takeUntil,
  tap,
  throwError,
  timeout,
  timer,
} from 'rxjs';
import { BitFlip } from './bit-flip.ts';
import { passed } from './passed.ts';

export interface RelayOptions {
  readonly host: string;
  /** The only place it ever connects to: nothing that a page says changes that, so it is no open relay. */
  readonly target: { readonly host: string; readonly port: number };
  /** The only origin whose pages may use it; asked once for each upgrade. */
  readonly origin: () => string;
  readonly listening: (address: WebSocketAddress) => void;
  /** It is not only curious but malicious: a bit of what the server answers is not what it was. */
  readonly flipsABit?: boolean;
  readonly limits?: Partial<RelayLimits>;
}

export interface RelayLimits {
  readonly connections: number;
  /** Bytes of one connection, both directions together. */
  readonly bytes: number;
  /** Milliseconds: to reach the server, without a byte from either side, and of one connection in all. */
  readonly connect: number;
  readonly idle: number;
  readonly lifetime: number;
}

export const relayLimits: RelayLimits = {
  connections: 16,
  bytes: 16 * 1_048_576,
  connect: 5_000,
  idle: 30_000,
  lifetime: 300_000,
};

/** What the relay knows of a connection: these bytes, in this direction; and that it ended. */
export type Seen =
  | {
      readonly connection: number;
      readonly from: 'page' | 'server';
      readonly bytes: Uint8Array;
      readonly flippedAt?: number;
    }
  | { readonly connection: number; readonly ended: string; readonly isCut: boolean };

/** Relays for as long as it is subscribed, and emits all that it sees. Unsubscribing cuts every connection. */
export function relay({ target, origin, flipsABit = false, limits: own, ...options }: RelayOptions): Observable<Seen> {
  const limits = { ...relayLimits, ...own };
  const accept = ({ headers }: IncomingMessage): boolean => headers.origin === origin();
  const listening = { ...options, port: 0, path: '/', accept, maxConnections: limits.connections };

  return listenWebSocket(listening).pipe(
    mergeMap((page, connection) =>
      connect({ ...target, connectTimeout: limits.connect }).pipe(
        mergeMap((server) => between(page, server, flipsABit ? new BitFlip() : undefined)),
        timeout({ each: limits.idle, with: () => failed('nobody said anything for too long') }),
        bounded(limits.bytes),
        takeUntil(timer(limits.lifetime).pipe(mergeMap(() => failed('it was open for too long')))),
        map((chunk): Seen => ({ connection, ...chunk })),
        endWith({ connection, ended: 'both sides have ended', isCut: false }),
        catchError((error: Error) => of({ connection, ended: error.message, isCut: true })),
        finalize(() => page.sink.abort()), // nothing, after a clean end
      ),
    ),
  );
}

const failed = (why: string): Observable<never> => throwError(() => new Error(why));

type Chunk = Omit<Extract<Seen, { bytes: Uint8Array }>, 'connection'>;

/** Both directions of one connection. */
function between(page: ByteDuplex, server: ByteDuplex, flip: BitFlip | undefined): Observable<Chunk> {
  const up = passed(page, server).pipe(
    map((bytes): Chunk => {
      flip?.fromPage(bytes);
      return { from: 'page', bytes: bytes.slice() };
    }),
  );
  const down = passed(server, page).pipe(
    map((bytes): Chunk => {
      const flippedAt = flip?.fromServer(bytes);
      return { from: 'server', bytes: bytes.slice(), ...(flippedAt !== undefined && { flippedAt }) };
    }),
  );
  return merge(up, down);
}

const bounded =
  (most: number) =>
  (chunks: Observable<Chunk>): Observable<Chunk> => {
    let total = 0;
    return chunks.pipe(
      tap(({ bytes }) => {
        total += bytes.length;
        if (total > most) throw new Error(`it carried more than ${most} bytes`);
      }),
    );
  };
