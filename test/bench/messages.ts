// What passes between the bench and its child processes.
import type { Pki } from './pki.ts';

export type Request =
  /** Does a workload, at least `least` and for at least so many CPU milliseconds, but stops after `most`. */
  | {
      readonly ask: 'rate';
      readonly workload: string;
      readonly batch: number;
      readonly least: number;
      readonly cpu: number;
      readonly most: number;
    }
  /** Opens connections up to each of the counts, and weighs the process with all of them idle. */
  | { readonly ask: 'memory'; readonly counts: readonly number[]; readonly warm: number }
  /** Loads the variant, connects, and waits for the first byte. */
  | { readonly ask: 'first' };

export interface Weight {
  /** Bytes a connection, both its ends: on the heap and in buffers; of the process. */
  readonly heap: number;
  readonly rss: number;
}

export type Answer =
  | { readonly count: number; readonly cpu: number }
  | { readonly weights: readonly Weight[] }
  | { readonly failed: string };

export interface Begin {
  readonly variant: string;
  readonly pki: Pki;
}
