// Pairs of certificate and key, the ways in which programs replace files, and a watch with everything it said written down.
import { closeSync, mkdirSync, openSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type WatchedFiles, watchFiles, type WatchFilesEvent, type WatchFilesOptions } from '@rxtls/credentials';
import type { Test } from 'tap';
import { authority, issue } from '../../engine-node/test/pki.ts';

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

const root = authority('rotating root');
export const authorityPem = root.pem;

/** A new certificate with a new key. */
export function newPair(wish: Parameters<typeof issue>[0] = {}): Pair {
  const leaf = issue({ issuer: root, dns: ['localhost'], ...wish });
  return { cert: leaf.pem, key: leaf.keyPem };
}

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function until(holds: () => boolean, what: string, milliseconds = 10_000): Promise<void> {
  for (const end = performance.now() + milliseconds; !holds(); await sleep(2))
    if (performance.now() > end) throw new Error(`never within ${milliseconds} ms: ${what}`);
}

/** Over what was there, in one step. */
export function rename(path: string, text: string): void {
  const beside = join(dirname(path), `.new-${Math.random()}`);
  writeFileSync(beside, text);
  renameSync(beside, path);
}

/** Emptied first, then in pieces. */
export async function inPieces(path: string, text: string, pieces = 4, pause = 3): Promise<void> {
  const file = openSync(path, 'w');
  try {
    for (let piece = 0; piece < pieces; piece++) {
      const at = (share: number): number => Math.floor((text.length * share) / pieces);
      writeSync(file, text.slice(at(piece), at(piece + 1)));
      await sleep(pause);
    }
  } finally {
    closeSync(file);
  }
}

/** As Kubernetes mounts a secret: files are links through `..data`, a link that is turned to a new folder. */
export function mountSecret(folder: string, pair: Pair, revision: number): void {
  const name = `..2026_${revision}`;
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'tls.crt'), pair.cert);
  writeFileSync(join(folder, name, 'tls.key'), pair.key);
  symlinkSync(name, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  if (revision === 1) for (const file of ['tls.crt', 'tls.key']) symlinkSync(join('..data', file), join(folder, file));
  else rmSync(join(folder, `..2026_${revision - 1}`), { recursive: true });
}

export interface Watched<K extends string> {
  readonly sets: WatchedFiles<K>[];
  readonly events: WatchFilesEvent[];
  error: unknown;
  /** Waits for the `count`th emission, and gives it. */
  emission(count: number): Promise<WatchedFiles<K>>;
  /** Of the problems told, their faults. */
  faults(): string[];
  stop(): void;
}

/** Quick, and without polling, so that what is seen is seen by events. */
export const quick = { settle: 25, patience: 300, poll: 600_000 } as const satisfies WatchFilesOptions;

export function watched<const K extends string>(
  t: Test,
  paths: { readonly [name in K]: string },
  options: WatchFilesOptions = {},
): Watched<K> {
  const events: WatchFilesEvent[] = [];
  const sets: WatchedFiles<K>[] = [];
  const subscription = watchFiles(paths, {
    ...quick,
    events: { next: (event) => events.push(event) },
    ...options,
  }).subscribe({
    next: (set) => sets.push(set),
    error: (error: unknown) => (log.error = error),
  });
  const log: Watched<K> = {
    sets,
    events,
    error: undefined,
    async emission(count) {
      await until(() => sets.length >= count, `emission ${count}; events ${JSON.stringify(events)}`);
      return sets[count - 1]!;
    },
    faults: () => events.flatMap((event) => (event.type === 'rejected' ? [event.fault] : [])),
    stop: () => subscription.unsubscribe(),
  };
  t.teardown(() => log.stop());
  return log;
}
