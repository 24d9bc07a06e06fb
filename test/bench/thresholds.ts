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
const linear = (workload: string, besideWorkload: string, least: number, variants: readonly string[]): Threshold[] =>
  variants.map((variant) => ({ workload, variant, besideWorkload, least }));

const noble = 'tls13Engine/noble (client) over memory';
const clients = [
  'subtls (client) over memory',
  '@reclaimprotocol/tls webcrypto (client) over memory',
  '@reclaimprotocol/tls pure-js (client) over memory',
] as const;
const overTcp = ['nodeEngine over tcp', 'tls13Engine/node over tcp'] as const;

export const thresholds: readonly Threshold[] = [
  ...atLeast('nodeEngine over tcp', relay, { full: 0.95, resumed: 0.95, bulk: 0.97, echo: 0.95, smallWrites: 1 }),
  ...atLeast('nodeEngine over tcp', baseline, { full: 0.8, resumed: 0.8, bulk: 0.85, echo: 0.75, smallWrites: 1 }),
  ...atLeast('tls13Engine/node over tcp', baseline, {
    full: 1.3,
    resumed: 1.5,
    bulk: 1,
    echo: 0.9,
    smallWrites: 1.2,
  }),
  ...clients.flatMap((client) => atLeast(noble, client, { full: 1.5, bulk: 1.2, echo: 2 })),
  ...(['tcp', 'memory'] as const).flatMap((transport) =>
    atLeast(`forgeEngine over ${transport}`, `node-forge by hand over ${transport}`, {
      full: 0.95,
      bulk: 0.95,
      echo: 0.95,
    }),
  ),
  { workload: 'idle-1000-rss', variant: 'tls13Engine/node over tcp', besideVariant: baseline, most: 0.6 },
  { workload: 'idle-5000-rss', variant: 'tls13Engine/node over tcp', besideVariant: baseline, most: 0.6 },
  ...linear('bulk-up-16k-1GiB', 'bulk-up-16k', 0.95, overTcp),
  ...linear('connections-5000', 'connections-500', 0.9, overTcp),
  ...linear('queue-4096', 'queue-512', 0.9, ['nodeEngine over memory', 'tls13Engine/node over memory']),
];
