// Certificates that change all the time: from memory, and now and then from files that are rewritten as a renewal would.
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchFiles } from '@rxtls/credentials';
import { exhaustMap, ignoreElements, map, merge, type Observable, timer } from 'rxjs';
import type { Pair } from '../servers/kits.ts';

export interface RotatingCredentials {
  /** Any number of subscribers, each with rotations of its own. */
  readonly pairs: Observable<Pair>;
  /** How many times a pair came from the files. */
  readonly fromFiles: () => number;
  /** What was said of the files that is not good news. */
  readonly rejected: readonly string[];
  fingerprint(pair: Pair): string;
  /** The files go; what is subscribed must have ended. */
  remove(): Promise<void>;
}

/** One rotation in so many is a renewal of the files besides: they have to stand still for two looks, whatever else is done. */
const fileShare = 20;

export async function rotatingCredentials(pool: readonly Pair[], every: number): Promise<RotatingCredentials> {
  const fingerprints = new Map(pool.map(({ cert }) => [cert, new X509Certificate(cert).fingerprint256]));
  const folder = await mkdtemp(join(tmpdir(), 'rxtls-soak-'));
  const files = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
  const rejected: string[] = [];
  let fromFiles = 0;
  const renew = async ({ cert, key }: Pair): Promise<void> => {
    await writeFile(files.cert, cert);
    await writeFile(files.key, key);
  };
  const turn = (index: number): Pair => pool[index % pool.length]!;
  await renew(turn(0));
  const watched = watchFiles(files, {
    settle: 10,
    poll: 1_000,
    events: {
      next: (event) => {
        if (event.type === 'loaded') fromFiles++;
        else rejected.push(event.type === 'rejected' ? `${event.path}: ${event.error.message}` : event.type);
      },
    },
  });
  const renewals = timer(every, every * fileShare).pipe(
    exhaustMap((index) => renew(turn(5 * index + 3))),
    ignoreElements(),
  );
  return {
    pairs: merge(timer(0, every).pipe(map(turn)), watched, renewals),
    fromFiles: () => fromFiles,
    rejected,
    fingerprint: ({ cert }) => fingerprints.get(cert) ?? 'none of the pool',
    remove: () => rm(folder, { recursive: true, maxRetries: 3 }) /* a renewal may be under its last file */,
  };
}
