import { watchFiles, type WatchFilesEvent } from '@rxtls/credentials';
import { combineLatest, type Observable, type Observer } from 'rxjs';

/** PEM both: texts, or the paths of the files that they are in. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** What became of the files of one certificate. */
export interface FilesEvent {
  readonly name: string;
  readonly event: WatchFilesEvent;
}

/** A key may come a second after its certificate before that is told as a mistake; and there is no start without a good pair. */
const timing = { patience: 1_000, firstTimeout: 2_000 };

/** The certificates by their names, all of them, and again with each renewal of one that is good. */
export const watched = (
  files: Readonly<Record<string, Credentials>>,
  events: Observer<FilesEvent>,
): Observable<Readonly<Record<string, Credentials>>> =>
  combineLatest(
    Object.fromEntries(
      Object.entries(files).map(([name, { cert, key }]) => {
        const told = { next: (event: WatchFilesEvent) => events.next({ name, event }) };
        return [name, watchFiles({ cert, key }, { ...timing, events: told })];
      }),
    ),
  );
