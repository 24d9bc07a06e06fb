import { asyncScheduler, type Observer, type SchedulerLike } from 'rxjs';
import type { ByteInput } from './byte-input.ts';
import { defaultHost } from './default-host.ts';
import type { ByteSource, DuplexInfo } from './duplex.ts';
import { ApiMisuseError, type Limits, resolveLimits, type TlsEvent, type TlsHost } from './engine/index.ts';
import type { Ledger } from './ledger.ts';
import type { Readiness } from './readiness.ts';
import type { WriteAck } from './write-ack.ts';

/** Observers of one connection, from its first byte on, before there is a `TlsConnection` to ask. */
export interface ConnectionObservers {
  readonly readiness: Partial<Observer<Readiness>>;
  readonly acks: Partial<Observer<WriteAck>>;
  readonly ledger: Partial<Observer<Ledger>>;
  readonly events: Partial<Observer<TlsEvent>>;
}

/** Makes the observers of one connection. */
export type ObserveConnection = (info: DuplexInfo) => Partial<ConnectionObservers>;

/** How a connection is to behave. */
export interface SecureOptions {
  /** Written from the start, held until the handshake is done. Its completion sends close_notify, its error aborts. */
  readonly writes?: ByteInput | ByteSource;
  /**
   * The same observers for each connection, or a function that makes them for one, from what its transport tells of itself.
   * An observer that throws ends its connection, and so does the function.
   */
  readonly observe?: Partial<ConnectionObservers> | ObserveConnection;
  readonly limits?: Partial<Limits>;
  /** A transport that ends without close_notify: an error (the default), or taken for the end. The second invites truncation attacks. */
  readonly truncation?: 'error' | 'complete';
  /** TLS 1.3: leave our side open after the peer's close_notify until `closeWrite` or `close`. */
  readonly halfOpen?: boolean;
  /** All time of the connection; `asyncScheduler` by default. */
  readonly scheduler?: SchedulerLike;
  /** Replaces the clocks and the entropy that engines see; for tests. Anything that can be predicted breaks TLS. */
  readonly dangerouslyHost?: Partial<Pick<TlsHost, 'wallClock' | 'monotonicClock' | 'random'>>;
}

/** {@link SecureOptions}, read once and checked. */
export interface SecureSettings {
  readonly writes: ByteInput | ByteSource | undefined;
  readonly observe: Partial<ConnectionObservers> | ObserveConnection;
  readonly limits: Limits;
  readonly truncationIsEnd: boolean;
  readonly halfOpen: boolean;
  readonly scheduler: SchedulerLike;
  readonly host: TlsHost;
}

const known: ReadonlySet<string> = new Set<keyof SecureOptions>([
  'writes',
  'observe',
  'limits',
  'truncation',
  'halfOpen',
  'scheduler',
  'dangerouslyHost',
]);

/** @throws ApiMisuseError naming the option that cannot be. */
export function resolveSecureOptions(options: SecureOptions = {}): SecureSettings {
  if (typeof options !== 'object' || options === null) throw new ApiMisuseError('options must be an object');
  const own: SecureOptions = ownProperties(options);
  for (const name of Object.keys(own)) if (!known.has(name)) throw new ApiMisuseError(`there is no option '${name}'`);
  const { truncation, halfOpen } = own;
  if (truncation !== undefined && truncation !== 'error' && truncation !== 'complete')
    throw new ApiMisuseError("truncation must be 'error' or 'complete'");
  if (halfOpen !== undefined && typeof halfOpen !== 'boolean')
    throw new ApiMisuseError('halfOpen must be true or false');
  const limits = resolveLimits(own.limits);
  const { scheduler = asyncScheduler } = own;
  if (typeof scheduler?.schedule !== 'function') throw new ApiMisuseError('scheduler must be a scheduler of RxJS');
  return {
    writes: own.writes,
    observe:
      typeof own.observe === 'function' ? own.observe : ownObservers(own.observe === undefined ? {} : own.observe),
    limits,
    truncationIsEnd: truncation === 'complete',
    halfOpen: halfOpen ?? false,
    scheduler,
    host: { ...defaultHost(scheduler, limits), ...own.dangerouslyHost, limits },
  };
}

/** @throws ApiMisuseError for what would hear nothing: a name that is none of ours, and what is no observer. */
export function ownObservers(observers: unknown): Partial<ConnectionObservers> {
  if (typeof observers !== 'object' || observers === null)
    throw new ApiMisuseError('observe must be an object of observers, or a function that gives one');
  const own = ownProperties(observers as Partial<Record<string, unknown>>);
  for (const [name, observer] of Object.entries(own)) {
    if (!observed.has(name))
      throw new ApiMisuseError(`observe: there is no '${name}'; there are ${[...observed].join(', ')}`);
    if (observer !== undefined && (typeof observer !== 'object' || observer === null))
      throw new ApiMisuseError(`observe: ${name} must be an observer, such as { next: (value) => … }`);
  }
  return own;
}

const observed: ReadonlySet<string> = new Set<keyof ConnectionObservers>(['readiness', 'acks', 'ledger', 'events']);

/** A copy without a prototype, so that nothing inherited is taken for an option. */
export const ownProperties = <T extends object>(options: T | undefined): T =>
  Object.assign(Object.create(null), options) as T;
