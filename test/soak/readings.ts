// What a process holds. A collection comes first, so that only what can be reached counts.
import { once } from 'node:events';
import { readdirSync, watch } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { host, sleep } from '../interop/ends.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes on the heap and in buffers. */
export async function memory(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await sleep(30); // what finalizers do counts too
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const folder = '/proc/self/fd';
const hasFolder = process.platform === 'linux';

/** Open descriptors where the system tells (Linux), and otherwise 0: `resources` has the sockets too. */
const descriptors = (): number => (hasFolder ? readdirSync(folder).length : 0);

/** Makes what the first listener of a process, and its first watch, leave behind for good. */
export async function descriptorsMadeOnce(): Promise<void> {
  watch(tmpdir()).close();
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  server.close();
}

/** Timers, sockets, listeners and watches that keep the process alive. */
export const resources = (): number => process.getActiveResourcesInfo().length;

export interface Readings {
  readonly memory: number;
  /** Bytes that the system has given to the process, OpenSSL's too: to be looked at, since what is freed is not given back at once. */
  readonly resident: number;
  readonly descriptors: number;
  readonly resources: number;
}

const looks = 10;
const patience = 10_000;

/** The least of some looks, since a file may be open just now; of more of them until it is not more than it was before, or ten seconds. */
export async function readings(before?: Readings): Promise<Readings> {
  const least = { descriptors: Number.POSITIVE_INFINITY, resources: Number.POSITIVE_INFINITY };
  const mayGoOn = (): boolean =>
    before !== undefined && (least.descriptors > before.descriptors || least.resources > before.resources);
  const late = Date.now() + patience;
  for (let look = 0; look < looks || (mayGoOn() && Date.now() < late); look++) {
    await sleep(25);
    least.descriptors = Math.min(least.descriptors, descriptors());
    least.resources = Math.min(least.resources, resources());
  }
  return { memory: await memory(), resident: process.memoryUsage.rss(), ...least };
}
