// What is measured. A workload is run by a child process, `batch` of it at a time with a turn of the event loop between:
// node:crypto's objects are freed only there, and in a loop that never turns they pile up until the collector is all one sees.
import type { Bench } from './bench.ts';
import { bulk } from './tasks/bulk.ts';
import { echo } from './tasks/echo.ts';
import { handshakes } from './tasks/handshakes.ts';
import { heldConnections } from './tasks/held-connections.ts';
import { queuedIntents } from './tasks/queued-intents.ts';
import { smallWrites } from './tasks/small-writes.ts';

/** How much of a workload a full run or a quick one takes. */
export interface Amount {
  /** What one call of `run` does. */
  readonly batch: number;
  /** The least that is done in a measurement. */
  readonly least: number;
  /** The least that is done before the first; where that takes long, less. */
  readonly warm: number;
}

export interface Workload {
  readonly name: string;
  /** What `perCpuSecond` counts. */
  readonly unit: string;
  /** Of these in one of `run`'s count. */
  readonly units: number;
  readonly full: Amount;
  /** Absent: not in a quick run. */
  readonly quick?: Amount;
  /** Measured in turn in the same process. */
  readonly beside?: string;
  /** The variants it is for; all where absent. */
  readonly only?: readonly string[];
  run(bench: Bench, count: number): Promise<void>;
  /** What it needs before each `run`, outside of what is measured. Gives how much may then be run. */
  prepare?(bench: Bench, count: number): Promise<number>;
}

const mebibyte = 1_048_576;
const perMebibyte = (bytes: number, mebibytes: number): number => (mebibytes * mebibyte) / bytes;

const handshake = (resume: boolean): Omit<Workload, 'name'> => ({
  unit: 'handshakes',
  units: 1,
  full: { batch: 16, least: 96, warm: 1_500 },
  quick: { batch: 4, least: 4, warm: 40 },
  run: handshakes(resume),
  ...(resume && { prepare: (bench: Bench, count: number) => bench.obtainSessions(count) }),
});

const bulkWork = (direction: 'up' | 'down', bytes: number): Pick<Workload, 'unit' | 'units' | 'run'> => ({
  unit: 'MiB',
  units: bytes / mebibyte,
  run: bulk(direction, bytes),
});
const bulkOf = (direction: 'up' | 'down', bytes: number): Workload => ({
  ...bulkWork(direction, bytes),
  name: `bulk-${direction}-${bytes / 1_024}k`,
  full: { batch: perMebibyte(bytes, 8), least: perMebibyte(bytes, 128), warm: perMebibyte(bytes, 128) },
});
const glance = (bytes: number): { readonly quick: Amount } => ({
  quick: { batch: perMebibyte(bytes, 0.25), least: perMebibyte(bytes, 0.25), warm: perMebibyte(bytes, 1) },
});

/** Shows that the cost of one does not grow with their number. */
const linear = ['node:tls over tcp', 'nodeEngine over tcp', 'tls13Engine/node over tcp'] as const;
const held = (count: number): Workload => ({
  name: `connections-${count}`,
  unit: 'connections',
  units: 1,
  full: { batch: count, least: count, warm: 500 },
  only: linear,
  run: heldConnections,
});
const queue = (intents: number): Workload => ({
  name: `queue-${intents}`,
  unit: 'intents',
  units: intents,
  full: { batch: 4_096 / intents, least: 65_536 / intents, warm: 65_536 / intents },
  quick: { batch: 4_096 / intents, least: 8_192 / intents, warm: 8_192 / intents },
  only: ['nodeEngine over memory', 'tls13Engine/node over memory'],
  run: queuedIntents(intents),
});

export const workloads: readonly Workload[] = [
  { name: 'handshake-full', ...handshake(false) },
  { name: 'handshake-resumed', ...handshake(true) },
  { ...bulkOf('up', 16_384), ...glance(16_384) },
  bulkOf('up', 65_536),
  bulkOf('down', 16_384),
  { ...bulkOf('down', 65_536), ...glance(65_536) },
  {
    name: 'echo',
    unit: 'round trips',
    units: 1,
    full: { batch: 500, least: 10_000, warm: 20_000 },
    quick: { batch: 100, least: 100, warm: 500 },
    run: echo,
  },
  {
    name: 'small-writes',
    unit: 'messages',
    units: 1,
    full: { batch: 200_000, least: 200_000, warm: 200_000 },
    quick: { batch: 2_000, least: 2_000, warm: 10_000 },
    run: smallWrites,
  },
  {
    ...bulkWork('up', 16_384),
    name: 'bulk-up-16k-1GiB',
    full: { batch: perMebibyte(16_384, 8), least: perMebibyte(16_384, 1_024), warm: 0 },
    beside: 'bulk-up-16k',
    only: linear,
  },
  held(500),
  { ...held(5_000), beside: 'connections-500', full: { batch: 5_000, least: 5_000, warm: 0 } },
  queue(512),
  { ...queue(4_096), beside: 'queue-512' },
];
