import type { ByteDuplex } from '@rxtls/core';
import { AbortedError, ApiMisuseError } from '@rxtls/core/engine';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { type CutKind, checkFaults, type LinkFaults } from './link-faults.ts';
import { MemoryRoad } from './memory-road.ts';

export interface MemoryPairOptions {
  /** Faults on the way from the first end to the second. */
  readonly aToB?: LinkFaults;
  /** Faults on the way from the second end to the first. */
  readonly bToA?: LinkFaults;
  /** Bytes each direction holds before `demand` is 0 (default 256 KiB). */
  readonly capacity?: number;
  /** The clock of `delay` and `coalesce` (default `asyncScheduler`). Without those two nothing here takes time. */
  readonly scheduler?: SchedulerLike;
}

/** One direction of a link, by hand. */
export interface LinkControl {
  /** Lets nothing more through, the end neither, until `release`. An abort and a cut still get through. */
  stall(): void;
  /** Lets through what was held by `stall` or by the fault `stallAfter`. */
  release(): void;
  /** Cuts as the fault `cutAfter` does, now: 'error' breaks both directions, 'end' is an end that the writer did not send. */
  cut(as: CutKind): void;
  /** From now on `demand` says at most so many bytes; `Infinity` lifts the cap. */
  starve(bytes: number): void;
}

/** Two connected ends, and the link between them. */
export type MemoryPair = readonly [a: ByteDuplex, b: ByteDuplex] & {
  readonly link: { readonly aToB: LinkControl; readonly bToA: LinkControl };
};

/**
 * Two byte duplexes that are connected in memory: for tests, and for TLS between two parts of one process. Synchronous:
 * when `write` returns, the other end has emitted the bytes if it had credit. Handlers may write again; order holds and
 * the stack does not grow. Throws `ApiMisuseError` for options that make no sense.
 */
export function memoryPair(options: MemoryPairOptions = {}): MemoryPair {
  const { aToB: aFaults = {}, bToA: bFaults = {}, capacity = 256 * 1024, scheduler = asyncScheduler } = options;
  for (const name of Object.keys(options)) {
    if (!optionNames.has(name)) throw new ApiMisuseError(`memoryPair: ${name} is no option`);
  }
  if (typeof capacity !== 'number' || !(capacity >= 1)) {
    throw new ApiMisuseError('memoryPair: capacity is a number of bytes of at least 1');
  }
  const broken = (error: AbortedError): void => {
    for (const road of [aToB, bToA]) road.failWriter(error);
    for (const road of [aToB, bToA]) road.failReader(error, false);
  };
  const aToB: MemoryRoad = new MemoryRoad(checkFaults(aFaults, 'aToB'), capacity, scheduler, broken);
  const bToA: MemoryRoad = new MemoryRoad(checkFaults(bFaults, 'bToA'), capacity, scheduler, broken);
  const ends = [memoryEnd(aToB, bToA, 'a', 'b'), memoryEnd(bToA, aToB, 'b', 'a')] as const;
  return Object.assign(ends, { link: { aToB: control(aToB), bToA: control(bToA) } });
}

const optionNames: ReadonlySet<string> = new Set(['aToB', 'bToA', 'capacity', 'scheduler']);

/** The end that writes to `out` and reads from `into`. */
function memoryEnd(out: MemoryRoad, into: MemoryRoad, name: string, other: string): ByteDuplex {
  let aborted = false;
  const abort = (reason?: unknown): void => {
    if (aborted) return;
    aborted = true;
    const ours = new AbortedError('the connection was aborted from this side', { phase: 'open', cause: reason });
    const theirs = new AbortedError('the other end aborted the connection', { phase: 'open', retryable: true });
    const { hasSentEnd } = out; // then what was written before it still arrives, as on a socket
    out.failWriter(ours);
    into.failReader(ours, true);
    out.later(() => {
      if (!hasSentEnd) out.failReader(theirs, true);
      into.failWriter(theirs);
    });
  };
  return {
    source: into.source,
    sink: {
      write: (bytes) => out.write(bytes),
      end: () => out.end(),
      abort,
      demand: out.demand.changes,
      taken: out.taken.changes,
    },
    unread: (bytes) => into.unread(bytes),
    info: { local: `memory:${name}`, remote: `memory:${other}` },
  };
}

function control(road: MemoryRoad): LinkControl {
  return {
    stall: () => road.stall(),
    release: () => road.release(),
    cut: (as) => road.cut(as),
    starve: (bytes) => road.starve(bytes),
  };
}
