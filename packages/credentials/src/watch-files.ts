import { isAbsolute, resolve, sep } from 'node:path';
import { ApiMisuseError } from '@rxtls/core/engine';
import { Observable } from 'rxjs';
import { FilesWatch } from './files-watch.ts';
import { type WatchFilesOptions, watchFilesSettings } from './watch-files-options.ts';

/** What the files hold, by the names that the paths had. */
export type WatchedFiles<K extends string> = { readonly [name in K]: string };

/**
 * PEM files, and each set of them that is good and other than the last, until unsubscribed: for `liveEngine` of
 * `@rxtls/core`. Where there is a `cert` and a `key` they are checked by `checkCredentials` first, so that what is emitted
 * is a pair that stood on disk side by side. What is not good is not emitted; `events` says why, and the last good set goes on.
 *
 * Errors with `CredentialsUnavailableError` when there was no good set within `firstTimeout`, and never after the first one.
 * Never completes. Each subscriber has a watch of its own. Paths are taken from the working directory of the call.
 *
 * @throws ApiMisuseError for paths and options that make no sense
 * @example
 * const engine = liveEngine(watchFiles({ cert: 'tls.crt', key: 'tls.key' }), (credentials) =>
 *   nodeEngine.server({ credentials }),
 * );
 */
export function watchFiles<const K extends string>(
  paths: { readonly [name in K]: string },
  options: WatchFilesOptions = {},
): Observable<WatchedFiles<K>> {
  const settings = watchFilesSettings(options);
  const given = readPaths(paths);
  const absolute = new Map([...given].map(([name, path]) => [name, absolutePath(path)]));
  return new Observable<Readonly<Record<string, string>>>((subscriber) => {
    new FilesWatch(absolute, given, settings, subscriber).start();
  }) as Observable<WatchedFiles<K>>;
}

/** POSIX: `..` stays, since behind a symbolic link it is not the folder before it. Windows takes it away itself. */
function absolutePath(path: string): string {
  if (sep === '\\') return resolve(path);
  return isAbsolute(path) ? path : `${process.cwd()}/${path}`;
}

function readPaths(paths: unknown): ReadonlyMap<string, string> {
  if (typeof paths !== 'object' || paths === null || Array.isArray(paths))
    throw new ApiMisuseError("watchFiles needs paths by name, such as { cert: 'tls.crt', key: 'tls.key' }");
  const entries = Object.entries(paths as Record<string, unknown>);
  if (entries.length === 0) throw new ApiMisuseError('watchFiles needs at least one path');
  return new Map(
    entries.map(([name, path]) => {
      if (typeof path !== 'string' || path === '' || path.includes('\0'))
        throw new ApiMisuseError(`watchFiles: the path of ${name} must be a string that is not empty`);
      return [name, path];
    }),
  );
}
