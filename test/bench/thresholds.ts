// The ratios that `npm run bench -- --check` holds.
import { baseline } from './variants/catalogue.ts';

export interface Threshold {
  readonly workload: string;
  readonly variant: string;
  /** What the figure is divided by: the same workload of that variant, or that workload of the same variant. */
  readonly besideVariant?: string;
  readonly besideWorkload?: string;
  /** The least ratio; of memory the greatest. */
  readonly least?: number;
  readonly most?: number;
  /** What is aimed at, where that does not hold yet: README says what stands in the way. */
  readonly aim?: number;
}

const relay = 'node:tls over duplex relay';
const bulk = ['bulk-up-16k', 'bulk-up-64k', 'bulk-down-16k', 'bulk-down-64k'] as const;

/** What holds, and what is aimed at where that is more. */
type Bound = number | readonly [holds: number, aim: number];

interface Least {
  readonly full?: Bound;
  readonly resumed?: Bound;
  readonly bulk?: Bound;
  readonly echo?: Bound;
  readonly smallWrites?: Bound;
}

function atLeast(variant: string, besideVariant: string, least: Least): readonly Threshold[] {
  const rows: readonly (readonly [string, Bound | undefined])[] = [
    ['handshake-full', least.full],
    ['handshake-resumed', least.resumed],
    ...bulk.map((workload) => [workload, least.bulk] as const),
    ['echo', least.echo],
    ['small-writes', least.smallWrites],
  ];
  return rows.flatMap(([workload, bound]) => {
    if (bound === undefined) return [];
    const bounds = typeof bound === 'number' ? { least: bound } : { least: bound[0], aim: bound[1] };
    return [{ workload, variant, besideVariant, ...bounds }];
  });
}

/** Cost grows linearly. */
const linear = (
  workload: string,
  besideWorkload: string,
  bounds: Pick<Threshold, 'least' | 'aim'>,
  variants: readonly string[],
): Threshold[] => variants.map((variant) => ({ workload, variant, besideWorkload, ...bounds }));

const noble = 'tls13Engine/noble (client) over memory';
const overTcp = ['nodeEngine over tcp', 'tls13Engine/node over tcp'] as const;

/**
 * What holds has room for a busy machine: one launch beside another differs by a third. It is there to catch what is lost, and is
 * raised by whoever gains something.
 */
export const thresholds: readonly Threshold[] = [
  ...atLeast('nodeEngine over tcp', relay, {
    full: [0.45, 0.95],
    resumed: [0.4, 0.95],
    bulk: [0.75, 0.97],
    echo: [0.7, 0.95],
    smallWrites: [0.45, 1],
  }),
  ...atLeast('nodeEngine over tcp', baseline, {
    full: [0.4, 0.8],
    resumed: [0.3, 0.8],
    bulk: [0.4, 0.85],
    echo: [0.4, 0.75],
    smallWrites: [0.3, 1],
  }),
  ...atLeast('tls13Engine/node over tcp', baseline, {
    full: [0.5, 1.3],
    resumed: [0.3, 1.5],
    bulk: [0.4, 1],
    echo: [0.35, 0.9],
    smallWrites: [0.3, 1.2],
  }),
  ...atLeast(noble, 'subtls (client) over memory', { full: [1.1, 1.5], bulk: [0.2, 1.2], echo: [0.8, 2] }),
  ...atLeast(noble, '@reclaimprotocol/tls webcrypto (client) over memory', {
    full: [1.3, 1.5],
    bulk: [0.25, 1.2],
    echo: [0.8, 2],
  }),
  ...atLeast(noble, '@reclaimprotocol/tls pure-js (client) over memory', {
    full: 1.5,
    bulk: [0.9, 1.2],
    echo: [0.8, 2],
  }),
  ...(['tcp', 'memory'] as const).flatMap((transport) =>
    atLeast(`forgeEngine over ${transport}`, `node-forge by hand over ${transport}`, {
      full: [0.75, 0.95],
      bulk: [0.8, 0.95],
      echo: [0.6, 0.95],
    }),
  ),
  ...['idle-1000-rss', 'idle-5000-rss'].map((workload) => ({
    workload,
    variant: 'tls13Engine/node over tcp',
    besideVariant: baseline,
    most: 0.9,
    aim: 0.6,
  })),
  ...linear('bulk-up-16k-1GiB', 'bulk-up-16k', { least: 0.85, aim: 0.95 }, overTcp),
  ...linear('connections-5000', 'connections-500', { least: 0.9 }, overTcp),
  ...linear('queue-4096', 'queue-512', { least: 0.65, aim: 0.95 }, [
    'nodeEngine over memory',
    'tls13Engine/node over memory',
  ]),
];
