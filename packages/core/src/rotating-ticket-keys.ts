import { asyncScheduler, interval, Observable, type SchedulerLike } from 'rxjs';
import { defaultHost } from './default-host.ts';
import {
  ApiMisuseError,
  defaultLimits,
  maxPreviousTicketKeys,
  type TicketKeys,
  ticketKeyBytes,
} from './engine/index.ts';

export interface RotatingTicketKeysOptions {
  /** Milliseconds between one key and the next: from a second to 7 days, after which no ticket is good (RFC 8446 §4.6.1). */
  readonly every: number;
  /** How many keys before the current one still open tickets: 1 unless told, at most 4. */
  readonly keep?: number;
  /** `asyncScheduler` by default. */
  readonly scheduler?: SchedulerLike;
}

const second = 1_000;
const sevenDays = 7 * 24 * 3_600 * second;

/**
 * Ticket keys for one process: random ones at once, and new ones `every` so often, the last of them kept as `previous`. For
 * `liveEngine(combineLatest({ credentials, ticketKeys }), (options) => nodeEngine.server(options))`. Each subscription draws keys of its
 * own. The arrays are lent: a factory copies them, and they are wiped when they drop out of `previous` and when the
 * subscription ends, after which a factory refuses them.
 * @throws ApiMisuseError
 */
export function rotatingTicketKeys(options: RotatingTicketKeysOptions): Observable<TicketKeys> {
  const { every, keep = 1, scheduler = asyncScheduler } = options ?? {};
  if (!Number.isInteger(every) || every < second || every > sevenDays)
    throw new ApiMisuseError('rotatingTicketKeys: every must be whole milliseconds, from a second to 7 days');
  if (!Number.isInteger(keep) || keep < 0 || keep > maxPreviousTicketKeys)
    throw new ApiMisuseError(`rotatingTicketKeys: keep must be a whole number from 0 to ${maxPreviousTicketKeys}`);
  if (typeof scheduler?.schedule !== 'function')
    throw new ApiMisuseError('rotatingTicketKeys: scheduler must be a scheduler of RxJS');
  return new Observable((subscriber) => {
    let keys: readonly Uint8Array[] = [];
    const rotate = (): void => {
      // A host of its own for each key: what its generator has drawn ahead is no later key.
      const current = defaultHost(scheduler, defaultLimits).random(ticketKeyBytes, 'ticket key');
      const previous = keys.slice(0, keep);
      const dropped = keys.slice(keep);
      keys = [current, ...previous];
      subscriber.next({ current, previous });
      wipe(dropped);
    };
    subscriber.add(() => wipe(keys));
    rotate();
    subscriber.add(interval(every, scheduler).subscribe(rotate));
  });
}

function wipe(keys: readonly Uint8Array[]): void {
  for (const key of keys) key.fill(0);
}
