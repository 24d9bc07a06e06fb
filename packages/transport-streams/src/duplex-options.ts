import type { DuplexInfo } from '@rxtls/core';
import type { OptionRules } from '@rxtls/core/engine-parts';
import { rules } from './rules.ts';

/** What every adapter takes. */
export interface DuplexOptions {
  /** Where it leads, for messages and logs. */
  readonly info?: DuplexInfo;
  /**
   * Milliseconds (default 5 000) that a duplex lives on after `end()` with nobody subscribed to `bytes`, while nothing moves:
   * what was written goes out, what still arrives is discarded, and the other side's end is waited for.
   */
  readonly lingerTimeout?: number;
}

export const duplexRules: OptionRules<keyof DuplexOptions> = {
  info: rules.info,
  lingerTimeout: rules.milliseconds,
};

/** Bytes that may wait below before `demand` is 0, where nothing else is said. */
export const defaultHighWater: number = 256 * 1024;

/** Milliseconds, where nothing else is said. */
export const defaultLinger = 5_000;

/** Names a duplex in messages. */
export function named(kind: string, info: DuplexInfo = {}): string {
  const { remote } = info;
  return remote === undefined ? kind : `${kind} to ${remote.slice(0, 100)}`;
}
