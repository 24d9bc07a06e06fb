import { readlink } from 'node:fs/promises';
import { dirname, join, parse, sep } from 'node:path';

/** A folder, and the entries of it that a file hangs by. */
export type Folders = Map<string, Set<string>>;

/** As many symbolic links as Linux follows. */
const mostLinks = 40;

/**
 * Adds the folders in which a change makes `path` (absolute) lead to something else: the one that the file is in, each one
 * with a symbolic link on the way, and, where the way ends early, the last that is there. Not those above, which are others'
 * places, and busy: a folder that is renamed there is found by polling.
 */
export async function addWayTo(path: string, folders: Folders): Promise<void> {
  const { root } = parse(path);
  const ahead = names(path.slice(root.length));
  let folder = root;
  for (let links = 0; ahead.length > 0; ) {
    const name = ahead.shift()!;
    if (name === '..') {
      folder = dirname(folder);
      continue;
    }
    const entry = join(folder, name);
    const target = await targetOf(entry);
    if (target !== undefined || ahead.length === 0) add(folders, folder, name);
    if (target === undefined) {
      folder = entry;
      continue;
    }
    if (target === missing || ++links > mostLinks) return;
    const { root: elsewhere } = parse(target);
    if (elsewhere !== '') folder = elsewhere;
    ahead.unshift(...names(target.slice(elsewhere.length)));
  }
}

const missing = '';

/** Where a symbolic link leads, `missing` where there is nothing, `undefined` for what is no link. */
async function targetOf(entry: string): Promise<string | undefined> {
  try {
    return await readlink(entry);
  } catch (error) {
    // Whatever else is wrong will be told by whoever opens the file.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? missing : undefined;
  }
}

const names = (path: string): string[] => path.split(sep).filter((name) => name !== '' && name !== '.');

function add(folders: Folders, folder: string, name: string): void {
  const entries = folders.get(folder);
  if (entries === undefined) folders.set(folder, new Set([name]));
  else entries.add(name);
}
