import cluster from 'node:cluster';
import {
  BehaviorSubject,
  filter,
  firstValueFrom,
  merge,
  type Observable,
  ReplaySubject,
  Subject,
  take,
  throwError,
  timeout,
  toArray,
} from 'rxjs';
import type { EngineName } from './engines.ts';
import type { RedisAddress } from './redis.ts';

/** How many workers there are; their numbers begin at 1. */
export const size = 4;

/** What a worker is told when it starts. */
export interface Setup {
  readonly credentials: { readonly cert: string; readonly key: string };
  readonly redis: RedisAddress;
  /** Milliseconds between one key and the next. */
  readonly every: number;
  readonly engine: EngineName;
  /** A Unix socket for each worker beside the port of all, so that one can be chosen. */
  readonly paths: readonly string[];
}

/** What a worker tells: that it listens to us, of which slot its keys are, and that Redis does not answer. */
export interface Report {
  readonly up?: true;
  readonly slot?: number;
  readonly away?: true;
}

/** Processes behind one port; `node:cluster` is the balancer. */
export interface Fleet {
  readonly port: number;
  /** The latest slot that a worker has keys of. */
  readonly slot: number;
  /** Resolves when all have keys of that slot or a later one. Rejects when a worker ends. */
  reaches(slot: number): Promise<unknown>;
  /** No worker reaches Redis any more. Rejects when a worker ends. */
  alone(): Promise<unknown>;
  /** Errors when a worker ends. */
  readonly lost: Observable<never>;
  stop(): void;
}

/** Starts the workers, which run this very program. */
export async function startFleet(setup: Setup): Promise<Fleet> {
  const reports = new BehaviorSubject<ReadonlyMap<number, Report>>(new Map());
  const listening = new ReplaySubject<number>();
  const lost = new Subject<never>();
  let isStopping = false;
  cluster.on('message', (worker, report: Report) => {
    if (report.up)
      worker.send(setup); // sent before, it would be lost
    else reports.next(new Map([...reports.value, [worker.id, { ...reports.value.get(worker.id), ...report }]]));
  });
  // A Unix socket has no port.
  cluster.on('listening', (_worker, { port }) => {
    if (port > 0) listening.next(port);
  });
  cluster.on('exit', ({ id }, code, signal) => {
    if (!isStopping) lost.error(new Error(`worker ${id} ended (${signal ?? code})`));
  });
  const workers = Array.from({ length: size }, () => cluster.fork());
  const all = (holds: (report: Report) => boolean): Promise<unknown> => {
    const everybody = reports.pipe(filter((told) => told.size === size && [...told.values()].every(holds)));
    const late = (): Observable<never> => throwError(() => new Error('the workers get no new keys: is Redis there?'));
    return firstValueFrom(merge(lost, everybody).pipe(timeout({ first: 8 * setup.every + 5_000, with: late })));
  };
  const [port = 0] = await firstValueFrom(merge(lost, listening.pipe(take(size), toArray())));
  return {
    port,
    get slot() {
      return Math.max(...[...reports.value.values()].map(({ slot = 0 }) => slot));
    },
    reaches: (wanted) => all(({ slot = 0 }) => slot >= wanted),
    alone: () => all(({ away }) => away === true),
    lost,
    stop() {
      isStopping = true;
      for (const worker of workers) worker.kill('SIGKILL');
    },
  };
}
