import { accessSync, constants, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/** Where `postgres` and `initdb` are, and as whom they may run. */
export interface PostgresPrograms {
  readonly folder: string;
  /** Somebody without rights, where this process is root: PostgreSQL refuses to run as root. */
  readonly runAs: { readonly uid: number; readonly gid: number } | undefined;
}

/**
 * On PATH, or where Debian puts them, the newest first.
 *
 * @throws Error where they are not installed
 */
export function postgresPrograms(
  path: string = process.env['PATH'] ?? '',
  debian: string = '/usr/lib/postgresql',
): PostgresPrograms {
  const onPath = path.split(delimiter).filter((folder) => folder !== '');
  const folder = [...onPath, ...versions(debian)].find((each) => has(each, 'postgres') && has(each, 'initdb'));
  if (folder === undefined)
    throw new Error(
      `PostgreSQL is not installed: there is no postgres and initdb on PATH or in ${debian}; --connect takes another server`,
    );
  return {
    folder: dirname(realpathSync(join(folder, 'postgres'))),
    runAs: process.getuid?.() === 0 ? unprivileged() : undefined,
  };
}

function versions(debian: string): string[] {
  try {
    const all = readdirSync(debian).sort((a, b) => Number(b) - Number(a));
    return all.map((version) => join(debian, version, 'bin'));
  } catch {
    return []; // no such folder: not installed that way
  }
}

function has(folder: string, program: string): boolean {
  try {
    accessSync(join(folder, program), constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us
  }
}

function unprivileged(): { readonly uid: number; readonly gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody: run this as another user');
}
