import { ApiMisuseError, type PeerIdentity, type TaskResult, type TlsError } from '@rxtls/core/engine';

/** Where a placebo engine breaks down when `failAt` says so. */
export type PlaceboFailurePoint =
  /** When the engine is made. */
  | 'start'
  /** At the first handshake message received. */
  | 'handshake'
  /** Right after `negotiated`. */
  | 'negotiated'
  /** At the first application data received. */
  | 'receive'
  /** At the first `sendPlaintext`. */
  | 'send';

/** Options of both roles. None of them makes anything secure. */
export interface PlaceboOptions {
  /** The only version spoken: TLS 1.3 has half-close and KeyUpdate, TLS 1.2 has renegotiation instead. */
  readonly version?: 'TLSv1.3' | 'TLSv1.2';
  /** The most plaintext in a record, 1 to 16 384; small values keep marbles short. */
  readonly maxRecordBytes?: number;
  /** In the client's order, or the server's preference. */
  readonly alpnProtocols?: readonly string[];
  /** What `negotiated` reports about the peer; nothing is checked. Default `passed` for clients, `not-requested` for servers. */
  readonly verification?: PeerIdentity['verification'];
  /** The chain that `negotiated` reports. Default empty. */
  readonly peerChain?: readonly Uint8Array[];
  /** A task before `negotiated`: only `true` goes on, everything else is `refused-by-verify`. */
  readonly verify?: () => TaskResult<boolean>;
  /** Answers a KeyUpdate at the end of the call that brought it (default), or as OpenSSL does with the next write. Either way one answer at most is due. */
  readonly keyUpdateResponse?: 'at-once' | 'with-next-write';
  /** Break down there with this error (default an `EngineFailureError`). */
  readonly failAt?: PlaceboFailurePoint;
  readonly failWith?: () => TlsError;
  /** Answer through `defer` instead of inside the call. */
  readonly asynchronous?: boolean;
  /** Runs a function later, each in the order given: `(run) => scheduler.schedule(run)`. Needed when `asynchronous`. */
  readonly defer?: (run: () => void) => void;
}

export interface PlaceboClientOptions extends PlaceboOptions {
  readonly serverName?: string;
}

export interface PlaceboServerOptions extends PlaceboOptions {
  /** Round trips of "handshake", 1 to 255, default 1. The server decides. */
  readonly roundTrips?: number;
  /** Tickets sent after the handshake. Default 0. */
  readonly tickets?: number;
}

/** Options of either role with the defaults filled in. */
export interface ResolvedPlaceboOptions extends PlaceboClientOptions, PlaceboServerOptions {
  readonly version: 'TLSv1.3' | 'TLSv1.2';
  readonly maxRecordBytes: number;
  readonly alpnProtocols: readonly string[];
  readonly verification: PeerIdentity['verification'];
  readonly roundTrips: number;
  readonly tickets: number;
}

/** Defaults over the caller's options. @throws ApiMisuseError where a number is out of range. */
export function resolvePlaceboOptions(
  role: 'client' | 'server',
  options: PlaceboClientOptions & PlaceboServerOptions,
): ResolvedPlaceboOptions {
  const resolved: ResolvedPlaceboOptions = {
    version: 'TLSv1.3',
    maxRecordBytes: 16_384,
    alpnProtocols: [],
    verification: role === 'client' ? 'passed' : 'not-requested',
    roundTrips: 1,
    tickets: 0,
    ...options,
  };
  whole('maxRecordBytes', resolved.maxRecordBytes, 1, 16_384);
  whole('roundTrips', resolved.roundTrips, 1, 255);
  whole('tickets', resolved.tickets, 0, 1_000_000);
  if (resolved.asynchronous === true && resolved.defer === undefined)
    throw new ApiMisuseError('an asynchronous placebo engine needs a defer function');
  return Object.freeze(resolved);
}

function whole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new ApiMisuseError(`placebo option ${name} must be a whole number from ${least} to ${most}`);
}
