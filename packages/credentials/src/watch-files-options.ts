import { ApiMisuseError } from '@rxtls/core/engine';
import { flag, ownOptions } from '@rxtls/core/engine-parts';
import type { Observer, SchedulerLike } from 'rxjs';
import { type Timing, timing } from './timing.ts';
import type { WatchFilesEvent } from './watch-files-event.ts';

/** All times are in milliseconds. */
export interface WatchFilesOptions {
  /** Hears what became of the files. What its `next` throws is reported as RxJS reports it, and hurts nothing. */
  readonly events?: Partial<Observer<WatchFilesEvent>>;
  /** Between two looks where the system tells of no change (default 30 000). While something is wrong there is one each second. */
  readonly poll?: number;
  /** How long files have to stand still before they are used, and the least time between two looks (default 100). */
  readonly settle?: number;
  /** How long what is wrong may be somebody in the middle of a renewal, before it is told (default 5 000; at the start 0). */
  readonly patience?: number;
  /** Without usable files for so long after subscribing the observable errors (default 10 000); `Infinity` waits. */
  readonly firstTimeout?: number;
  /** A larger file is refused, unread (default 1 MiB). */
  readonly maxBytes?: number;
  /** For a key that is encrypted: with it the key is checked. The key is emitted as it is in the file. */
  readonly passphrase?: string;
  /** How long before the end of the chain `expiring` is told: see `checkCredentials`. */
  readonly warnBefore?: number;
  /** Keeps the process alive while subscribed (default false: only until the first files, or the error). */
  readonly keepAlive?: boolean;
  /** Emits whatever the files hold. */
  readonly dangerouslySkipCheck?: boolean;
  /** All time, the certificates' too; keeps the process alive as it likes (default the system's). */
  readonly scheduler?: SchedulerLike;
}

/** The options after reading. */
export interface WatchFilesSettings {
  readonly events: Partial<Observer<WatchFilesEvent>> | undefined;
  readonly poll: number;
  readonly settle: number;
  readonly patience: number;
  readonly firstTimeout: number;
  readonly maxBytes: number;
  readonly passphrase: string | undefined;
  readonly warnBefore: number | undefined;
  readonly keepAlive: boolean;
  readonly skipsCheck: boolean;
  readonly timing: Timing;
}

const names = [
  'events',
  'poll',
  'settle',
  'patience',
  'firstTimeout',
  'maxBytes',
  'passphrase',
  'warnBefore',
  'keepAlive',
  'dangerouslySkipCheck',
  'scheduler',
] as const satisfies readonly (keyof WatchFilesOptions)[];

const never = Number.POSITIVE_INFINITY;
/** The longest delay that a timer of Node's takes. */
const longest = 2 ** 31 - 1;
/** So that nobody's typing error makes a file of the wrong kind a matter of gigabytes. */
const largest = 64 * 1024 * 1024;

/** @throws ApiMisuseError */
export function watchFilesSettings(options: unknown): WatchFilesSettings {
  const own = ownOptions(options, names, 'watchFiles');
  const whole = (name: keyof typeof own, least: number, most: number, absent: number): number => {
    const value = own[name] ?? absent;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new ApiMisuseError(`watchFiles: ${name} must be a whole number from ${least} to ${most}`);
  };
  const { passphrase, warnBefore, events, scheduler } = own;
  if (passphrase !== undefined && typeof passphrase !== 'string')
    throw new ApiMisuseError('watchFiles: passphrase must be a string');
  if (events !== undefined && typeof events !== 'object')
    throw new ApiMisuseError('watchFiles: events must be an observer, such as { next: (event) => … }');
  if (scheduler !== undefined && typeof (scheduler as Partial<SchedulerLike>).schedule !== 'function')
    throw new ApiMisuseError('watchFiles: scheduler must be a scheduler of RxJS');
  const settle = whole('settle', 1, longest, 100);
  const firstTimeout = own.firstTimeout === never ? never : whole('firstTimeout', 1, longest, 10_000);
  if (settle >= firstTimeout)
    throw new ApiMisuseError(
      `watchFiles: settle (${settle}) must be less than firstTimeout (${firstTimeout}): no set could come in time`,
    );
  return {
    events: events as WatchFilesOptions['events'],
    poll: whole('poll', 1, longest, 30_000),
    settle,
    patience: whole('patience', 0, longest, 5_000),
    firstTimeout,
    maxBytes: whole('maxBytes', 1, largest, 1_048_576),
    passphrase,
    warnBefore: warnBefore === undefined ? undefined : whole('warnBefore', 0, Number.MAX_SAFE_INTEGER, 0),
    keepAlive: flag(own.keepAlive, 'watchFiles: keepAlive'),
    skipsCheck: flag(own.dangerouslySkipCheck, 'watchFiles: dangerouslySkipCheck'),
    timing: timing(scheduler as SchedulerLike | undefined),
  };
}
