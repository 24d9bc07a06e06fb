import { type FSWatcher, watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { addWayTo, type Folders } from './way-to.ts';

interface FolderWatch {
  readonly watcher: FSWatcher;
  /** Which folder it is, since another may come to have its name. */
  readonly identity: string;
  names: ReadonlySet<string>;
}

/**
 * The system's events for a set of paths: of folders, never of files, since a file that is replaced takes its watch with it.
 * They only make a look come sooner. Where there are none (NFS, no watches left) changes are found by polling, so that no
 * failure here is anybody's.
 */
export class FolderWatches {
  readonly #watches = new Map<string, FolderWatch>();
  readonly #changed: () => void;
  #isClosed = false;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Watches what these paths lead through now. */
  async follow(paths: Iterable<string>): Promise<void> {
    const folders: Folders = new Map();
    for (const path of paths) await addWayTo(path, folders);
    for (const folder of this.#watches.keys()) if (!folders.has(folder)) this.#drop(folder);
    for (const [folder, names] of folders) await this.#keep(folder, names);
  }

  close(): void {
    this.#isClosed = true;
    for (const folder of this.#watches.keys()) this.#drop(folder);
  }

  /** Its identity is read before it is watched: should the folder change in between, the next look finds it to be another. */
  async #keep(folder: string, names: ReadonlySet<string>): Promise<void> {
    const identity = await identityOf(folder);
    if (this.#isClosed) return;
    const watch = this.#watches.get(folder);
    if (watch !== undefined && watch.identity === identity) watch.names = names;
    else {
      this.#drop(folder);
      if (identity !== undefined) this.#open(folder, identity, names);
    }
  }

  #open(folder: string, identity: string, names: ReadonlySet<string>): void {
    let watcher: FSWatcher;
    try {
      watcher = watch(folder, { persistent: false });
    } catch {
      return; // polled
    }
    const entry: FolderWatch = { watcher, identity, names };
    this.#watches.set(folder, entry);
    const own = basename(folder);
    watcher.on('change', (_, name) => {
      // The folder itself, moved or gone: its watch is worth nothing now.
      if (name === own && this.#watches.get(folder) === entry) this.#drop(folder);
      if (name === null || name === own || entry.names.has(String(name))) this.#changed();
    });
    watcher.on('error', () => {
      // Polled until the next look, which tries again.
      if (this.#watches.get(folder) === entry) this.#drop(folder);
      this.#changed();
    });
  }

  #drop(folder: string): void {
    this.#watches.get(folder)?.watcher.close();
    this.#watches.delete(folder);
  }
}

/** Numbers of files are used again, so the time it was made belongs to it. */
async function identityOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino, birthtimeNs } = await stat(folder, { bigint: true });
    return `${dev} ${ino} ${birthtimeNs}`;
  } catch {
    return undefined; // gone again; the next look knows more
  }
}
