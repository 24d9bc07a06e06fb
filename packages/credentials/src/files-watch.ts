import { Subject, type Subscriber } from 'rxjs';
import type { CheckedCredentials } from './check-credentials.ts';
import { CredentialsError } from './credentials-error.ts';
import { CredentialsUnavailableError } from './credentials-unavailable-error.ts';
import { FolderWatches } from './folder-watches.ts';
import { judgeFiles } from './judge-files.ts';
import { type Look, lookAtFiles } from './look-at-files.ts';
import type { WatchFilesEvent } from './watch-files-event.ts';
import type { WatchFilesSettings } from './watch-files-options.ts';

/** Between two looks while something is wrong, unless `poll` is less. */
const retryInterval = 1_000;

/**
 * One subscription of `watchFiles`: looks, one at a time and never less than `settle` apart, at all files each time. Events of
 * the system are only a reason to look earlier, and nothing is concluded from them or from times and sizes of files.
 *
 * Two looks that have seen the same are what proves a set: each file held its part in both, so between them, when the first
 * look had ended and the second had not begun, all of them stood on disk side by side. That holds for any way of replacing
 * them: rename, a link that is turned, pieces written one after the other. (Only a file that is changed and changed back between
 * the looks could deceive them. Inodes and times would tell, but not every file system keeps those still.)
 */
export class FilesWatch {
  readonly #paths: ReadonlyMap<string, string>;
  /** As they were given, for events. */
  readonly #given: ReadonlyMap<string, string>;
  readonly #settings: WatchFilesSettings;
  readonly #subscriber: Subscriber<Readonly<Record<string, string>>>;
  readonly #events = new Subject<WatchFilesEvent>();
  readonly #folders = new FolderWatches(() => this.#lookSoon());

  #isLooking = false;
  /** Something changed during a look. */
  #isStale = false;
  #endOfLook = Number.NEGATIVE_INFINITY;
  #stopTimer: (() => void) | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #stopFirst: (() => void) | undefined;

  #seen: string | undefined;
  #emitted: string | undefined;
  #checked: CheckedCredentials | undefined;
  #generation = 0;
  /** Since when no two looks have seen the same. */
  #movingSince: number | undefined;
  /** Since when the files are not what was emitted last. */
  #otherSince: number | undefined;
  #fault: CredentialsError | undefined;
  #told: string | undefined;
  #toldExpiry: 'no' | 'soon' | 'expired' = 'no';

  constructor(
    paths: ReadonlyMap<string, string>,
    given: ReadonlyMap<string, string>,
    settings: WatchFilesSettings,
    subscriber: Subscriber<Readonly<Record<string, string>>>,
  ) {
    this.#paths = paths;
    this.#given = given;
    this.#settings = settings;
    this.#subscriber = subscriber;
  }

  start(): void {
    this.#subscriber.add(() => this.#close());
    const { events, firstTimeout, timing } = this.#settings;
    if (events !== undefined) this.#events.subscribe({ next: (event) => events.next?.(event) });
    if (Number.isFinite(firstTimeout)) this.#stopFirst = timing.after(firstTimeout, () => this.#giveUp(), true);
    this.#look();
  }

  #close(): void {
    this.#folders.close();
    this.#stopTimer?.();
    this.#stopFirst?.();
  }

  #lookSoon(): void {
    this.#isStale = true;
    if (!this.#isLooking) this.#lookIn(this.#endOfLook + this.#settings.settle - this.#settings.timing.now());
  }

  /** Replaces a later one; an earlier one stays. */
  #lookIn(milliseconds: number): void {
    const { timing, keepAlive } = this.#settings;
    const delay = Math.max(0, Math.ceil(milliseconds));
    const dueAt = timing.now() + delay;
    if (this.#subscriber.closed || dueAt >= this.#dueAt) return;
    this.#stopTimer?.();
    this.#dueAt = dueAt;
    this.#stopTimer = timing.after(delay, () => this.#look(), keepAlive || this.#generation === 0);
  }

  #look(): void {
    this.#isLooking = true;
    this.#isStale = false;
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#read()
      .then((look) => this.#looked(look))
      .catch((error: unknown) => this.#subscriber.error(error)); // a bug: whatever the system says is a fault by now
  }

  async #read(): Promise<Look> {
    await this.#folders.follow(this.#paths.values());
    return lookAtFiles(this.#paths, this.#settings.maxBytes);
  }

  #looked(look: Look): void {
    if (this.#subscriber.closed) return;
    this.#isLooking = false;
    this.#endOfLook = this.#settings.timing.now();
    const { settle } = this.#settings;
    const next = this.#consider(look);
    this.#lookIn(this.#isStale ? settle : Math.max(settle, next));
    this.#watchExpiry();
  }

  /** When to look again. */
  #consider(look: Look): number {
    const { settle, patience, poll } = this.#settings;
    const isStill = look.digest === this.#seen;
    this.#seen = look.digest;
    if (look.digest === this.#emitted) {
      this.#good();
      return poll;
    }
    const now = this.#endOfLook;
    this.#otherSince ??= now;
    if (!isStill) {
      this.#movingSince ??= now;
      if (now - this.#movingSince >= Math.max(patience, settle * 3)) this.#reject(this.#moving());
      return settle;
    }
    this.#movingSince = undefined;
    const fault = look.fault ?? this.#judge(look);
    if (fault === undefined) return poll;
    this.#fault = fault;
    const wait = this.#generation === 0 ? 0 : this.#otherSince + patience - now;
    if (wait <= 0) this.#reject(fault);
    return Math.min(poll, retryInterval, wait > 0 ? Math.max(wait, settle) : retryInterval);
  }

  #good(): void {
    this.#movingSince = undefined;
    this.#otherSince = undefined;
    this.#fault = undefined;
    if (this.#told === undefined) return;
    this.#told = undefined;
    this.#events.next({ type: 'recovered', generation: this.#generation });
  }

  #judge({ texts = new Map<string, string>(), digest }: Look): CredentialsError | undefined {
    const { skipsCheck, passphrase, warnBefore, timing } = this.#settings;
    let checked: CheckedCredentials | undefined;
    try {
      if (!skipsCheck) checked = judgeFiles(texts, { now: timing.wallClock(), passphrase, warnBefore });
    } catch (error) {
      if (error instanceof CredentialsError) return error;
      throw error;
    }
    this.#emit(texts, digest, checked);
    return undefined;
  }

  #emit(texts: ReadonlyMap<string, string>, digest: string, checked: CheckedCredentials | undefined): void {
    this.#stopFirst?.();
    this.#told = undefined;
    this.#emitted = digest;
    this.#checked = checked;
    this.#toldExpiry = 'no';
    this.#generation++;
    this.#good();
    this.#subscriber.next(Object.freeze(Object.fromEntries(texts)));
    this.#events.next({ type: 'loaded', generation: this.#generation, ...(checked !== undefined && { checked }) });
  }

  #moving(): CredentialsError {
    const [name = '', path = ''] = [...this.#given][0] ?? [];
    const message = `${path}, or a file beside it, changes all the time: write it once, or lower settle`;
    return new CredentialsError('changing', name, message);
  }

  #reject(error: CredentialsError): void {
    const what = `${error.fault} ${error.message} ${error.fault === 'changing' ? '' : this.#seen}`;
    this.#fault = error;
    if (this.#told === what) return;
    this.#told = what;
    const path = this.#given.get(error.part) ?? '';
    this.#events.next({ type: 'rejected', fault: error.fault, path, error });
  }

  #giveUp(): void {
    const { firstTimeout } = this.#settings;
    const why = this.#fault?.message ?? 'the files could not be read in that time';
    this.#subscriber.error(
      new CredentialsUnavailableError(`no usable credentials within ${firstTimeout} ms: ${why}`, {
        ...(this.#fault !== undefined && { cause: this.#fault }),
      }),
    );
  }

  #watchExpiry(): void {
    if (this.#checked === undefined || this.#subscriber.closed) return;
    const { validTo, warnFrom } = this.#checked;
    const now = this.#settings.timing.wallClock();
    const state = now > validTo.getTime() ? 'expired' : now >= warnFrom.getTime() ? 'soon' : 'no';
    if (state === this.#toldExpiry) return;
    this.#toldExpiry = state;
    if (state !== 'no') this.#events.next({ type: 'expiring', expired: state === 'expired', validTo });
  }
}
