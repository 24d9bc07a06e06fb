import type { Limits } from './limits.ts';
import type { TlsVersion } from './negotiated-parameters.ts';
import type { TlsEngine } from './tls-engine.ts';
import type { TlsEngineSink } from './tls-engine-sink.ts';

/** What an engine takes from outside: clocks, entropy, and the limits of this connection. */
export interface TlsHost {
  /** Milliseconds since 1970, for certificate validity and ticket ages. */
  wallClock(): number;
  /** Milliseconds from any start, never going back, for durations and rates. */
  monotonicClock(): number;
  /** `length` random bytes; `label` names their use, so that a recorded host can replay them. */
  random(length: number, label: string): Uint8Array;
  readonly limits: Limits;
}

/** What an engine can do: declared, never guessed. Compliance suites and core ask here and nowhere else. */
export interface EngineCapabilities {
  /** The engine's name for messages: `node`. */
  readonly name: string;
  readonly versions: readonly TlsVersion[];
  readonly alpn: boolean;
  /** After the peer's close_notify our side may go on writing, per version. */
  readonly halfClose: readonly TlsVersion[];
  readonly clientAuth: boolean;
  readonly resumption: boolean;
  /** The versions in which `updateKeys` works for the role of this factory. */
  readonly keyUpdate: readonly TlsVersion[];
  /** It asks core to run users' functions. */
  readonly tasks: boolean;
  /** Which alerts it can send: `any` the caller chooses, or its `own` only. */
  readonly alerts: 'any' | 'own';
  /** `sealed` carries record numbers. */
  readonly recordNumbers: boolean;
  /** Record events show the inner content type of protected records. */
  readonly innerRecordTypes: boolean;
  /** Every answer comes inside the call. */
  readonly synchronous: boolean;
  /** Validity and ages are judged by `host.wallClock`. */
  readonly injectedClock: boolean;
  /** Every random byte comes from `host.random`. */
  readonly injectedEntropy: boolean;
}

export type TlsRole = 'client' | 'server';

/** Makes one engine for one connection. A factory is a value: options were read and checked when it was made. */
export interface TlsEngineFactory<R extends TlsRole = TlsRole> {
  (sink: TlsEngineSink, host: TlsHost): TlsEngine;
  readonly role: R;
  readonly capabilities: EngineCapabilities;
  /** Which emission of a `liveEngine` it is, counted from 1; absent for a factory that stands by itself. */
  readonly generation?: number;
}
