import { ApiMisuseError, type UpgradeLimits } from '@rxtls/core/engine';
import { type OwnOptions, ownOptions } from '@rxtls/core/engine-parts';
import { asyncScheduler, type SchedulerLike } from 'rxjs';

/** What every upgrade takes. */
export interface UpgradeOptions {
  /**
   * `upgradeTimeout` 10 000 ms from the transport to the go-ahead, `maxUpgradeLineBytes` 8 192 in one line, frame or tag,
   * `maxUpgradeBytes` 65 536 in all. One that is hit is a `HandshakeTimeoutError` or `LimitExceededError` that names it.
   */
  readonly limits?: Partial<UpgradeLimits>;
  /** The clock of `upgradeTimeout`; `asyncScheduler` by default. */
  readonly scheduler?: SchedulerLike;
}

/** {@link UpgradeOptions}, read once and checked. */
export interface UpgradeSettings extends UpgradeLimits {
  readonly scheduler: SchedulerLike;
}

const limitNames = [
  'upgradeTimeout',
  'maxUpgradeLineBytes',
  'maxUpgradeBytes',
] as const satisfies readonly (keyof UpgradeLimits)[];
const defaults: UpgradeLimits = { upgradeTimeout: 10_000, maxUpgradeLineBytes: 8_192, maxUpgradeBytes: 65_536 };
/** The longest delay a timer of JavaScript's takes. */
const longest = 2 ** 31 - 1;

/** An operator's own options and those that all have. */
interface ResolvedOptions<K extends string> {
  readonly own: OwnOptions<K>;
  readonly settings: UpgradeSettings;
}

/** @throws ApiMisuseError naming the option that cannot be. */
export function resolveUpgradeOptions<K extends string>(
  operator: string,
  options: unknown = {},
  names: readonly K[] = [],
): ResolvedOptions<K> {
  const own: OwnOptions<string> = ownOptions<string>(options, [...names, 'limits', 'scheduler'], operator);
  const scheduler = (own['scheduler'] ?? asyncScheduler) as Partial<SchedulerLike>;
  if (typeof scheduler.schedule !== 'function')
    throw new ApiMisuseError(`${operator}: scheduler must be a scheduler of RxJS`);
  const given = ownOptions(own['limits'] ?? {}, limitNames, `${operator}: limits`);
  for (const [name, value] of Object.entries(given))
    if (!Number.isInteger(value) || Number(value) < 1 || Number(value) > longest)
      throw new ApiMisuseError(`${operator}: limits.${name} must be a whole number from 1 to ${longest}`);
  return {
    own,
    settings: { ...defaults, ...(given as Partial<UpgradeLimits>), scheduler: scheduler as SchedulerLike },
  };
}
