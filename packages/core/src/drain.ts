import { from, type Observable, type ObservableInput, type Observer } from 'rxjs';
import type { DuplexInfo } from './duplex.ts';
import { ApiMisuseError } from './engine/index.ts';
import type { Ledger } from './ledger.ts';

/** A connection that was open, or in its handshake, while its server drained, when it has ended. */
export interface DrainedConnection {
  readonly info: DuplexInfo;
  /** Every byte that was written to it, and what became of it. */
  readonly ledger: Ledger;
  /** `closed`: by both sides; `failed`: by itself, and `failed` of `secureEach` says why; `cut`: it was open at the deadline. */
  readonly outcome: 'closed' | 'failed' | 'cut';
}

export interface DrainOptions {
  /** Milliseconds from the notifier to the moment when whatever is still open is cut. */
  readonly deadline: number;
  /**
   * Milliseconds in which nothing moved, in either direction, before an open connection is half-closed; default 1 000. With 0
   * each is at once, behind what it has accepted, and what is written later is refused.
   */
  readonly quiet?: number;
  /** Hears of each connection as it ends; completes when none is left. */
  readonly drained?: Partial<Observer<DrainedConnection>>;
}

/** How a server comes to its end; made by `drain`. */
export interface Drain extends Required<Omit<DrainOptions, 'drained'>> {
  readonly notifier: Observable<unknown>;
  readonly drained: Partial<Observer<DrainedConnection>>;
}

/** The longest delay a timer takes; past it Node's fire at once. */
const longest = 2 ** 31 - 1;

/**
 * The graceful end of a server, for `secureEach(engine, project, { drain })`. When the notifier emits, the listener is let go,
 * so that nobody new is accepted; handshakes go on; every open connection is half-closed once it is quiet (TLS 1.3: the peer
 * may still finish what it sends); at the deadline the rest is cut. When all have been reported, `drained` completes, and then the result.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * const stop$ = fromEvent(process, 'SIGTERM');
 * listen({ port }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (connection) => connection.writeFrom(connection.source), {
 *     drain: drain(stop$, { deadline: 10_000 }),
 *   }),
 * );
 */
export function drain(notifier: ObservableInput<unknown>, options: DrainOptions): Drain {
  const { deadline, quiet = 1_000, drained = {} } = options ?? {};
  for (const [name, milliseconds] of Object.entries({ deadline, quiet }))
    if (!Number.isFinite(milliseconds) || milliseconds < 0 || milliseconds > longest)
      throw new ApiMisuseError(`drain: ${name} must be a number of milliseconds, at most ${longest}`);
  if (typeof drained !== 'object' || drained === null)
    throw new ApiMisuseError('drain: drained must be an observer, such as { next: (report) => … }');
  return Object.freeze({ notifier: observableOf(notifier), deadline, quiet, drained });
}

function observableOf(notifier: ObservableInput<unknown>): Observable<unknown> {
  try {
    return from(notifier);
  } catch (cause) {
    throw new ApiMisuseError('drain(notifier, { deadline }): notifier must be an observable, or a promise', { cause });
  }
}
