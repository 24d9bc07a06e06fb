// How much a run does: everything, or a glance.
import type { Amount, Workload } from './workloads.ts';

export interface Plan {
  readonly name: 'full' | 'quick';
  /** The variants it runs, where nothing else is asked for; all where absent. */
  readonly only?: readonly string[];
  /** How often every process is started anew: how fast one is differs from launch to launch, and its rounds share that luck. */
  readonly launches: number;
  /** Rounds of a launch. */
  readonly rounds: number;
  /** One process a variant for all workloads, in place of one for each. */
  readonly together: boolean;
  /** CPU milliseconds that a measurement takes at least. */
  readonly cpu: number;
  /** And its warm-up; and how long it may take at most. */
  readonly warm: { readonly cpu: number; readonly most: number };
  /** A variant whose measurement took longer, in CPU milliseconds, is measured once. */
  readonly slow: number;
  /** Milliseconds after which a process is given up. */
  readonly timeout: number;
  /** Undefined: not in this plan. */
  amount(workload: Workload): Amount | undefined;
  /** Idle connections: how many, and handshakes before; of which variants. Processes of each. */
  readonly idle: {
    readonly counts: readonly number[];
    readonly warm: number;
    readonly rounds: number;
    readonly only: readonly string[];
  };
  /** Processes of each variant that are asked for their first byte. */
  readonly first: number;
}

export const full: Plan = {
  name: 'full',
  launches: 1,
  rounds: 3,
  together: false,
  cpu: 500,
  warm: { cpu: 800, most: 3_000 },
  slow: 3_000,
  timeout: 300_000,
  amount: (workload) => workload.full,
  idle: {
    counts: [1_000, 5_000],
    warm: 500,
    rounds: 1,
    only: [
      'node:tls over tcp',
      'node:tls over duplex relay',
      'nodeEngine over tcp',
      'nodeEngine over memory',
      'tls13Engine/node over tcp',
      'tls13Engine/node over memory',
      'tls13Engine/noble over tcp',
      'lemon-tls over tcp',
    ],
  },
  first: 3,
};

export const quick: Plan = {
  name: 'quick',
  only: [
    'node:tls over tcp',
    'node:tls over duplex relay',
    'nodeEngine over tcp',
    'tls13Engine/node over tcp',
    'tls13Engine/node over memory',
    'forgeEngine over tcp',
    'node-forge by hand over tcp',
    'lemon-tls over tcp',
    'subtls (client) over memory',
    'tls13Engine/noble (client) over memory',
  ],
  launches: 1,
  rounds: 1,
  together: true,
  cpu: 60,
  warm: { cpu: 250, most: 350 },
  slow: Number.POSITIVE_INFINITY,
  timeout: 20_000,
  amount: (workload) => workload.quick,
  idle: {
    counts: [250],
    warm: 50,
    rounds: 1,
    only: ['node:tls over tcp', 'tls13Engine/node over tcp'],
  },
  first: 1,
};
