import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Test } from 'tap';
import { pki } from '../ends.ts';
import { Program } from '../program.ts';

/** One that the operating system packages, run by a test as no daemon: in the foreground, in a folder of its own, on loopback. */
export interface Daemon {
  /** As it stands in the titles of tests. */
  readonly name: string;
  /** Why its tests are skipped, where it is not installed. */
  readonly missing: string | undefined;
  /** Settles when it listens there. */
  start(t: Test): Promise<number>;
}

/** On PATH, or where daemons are, which not everybody has on PATH. */
export function pathOf(program: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, program)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us
  }
}

export const notInstalled = (program: string): string | undefined =>
  pathOf(program) === undefined ? `skipped: ${program} is not installed` : undefined;

export const isRoot: boolean = process.getuid?.() === 0;
export const userName: string = userInfo().username;

export interface DaemonFolder {
  path(name: string): string;
  /** Writes it; its path. */
  file(name: string, text: string, mode?: number): string;
}

/** A folder that goes with the test, and files in it; a certificate for localhost and its key are there. */
export async function daemonFolder(t: Test): Promise<DaemonFolder> {
  const folder = mkdtempSync(join(tmpdir(), 'rxtls-daemon-'));
  chmodSync(folder, 0o755); // some serve as a user of their own
  t.teardown(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  const path = (name: string): string => join(folder, name);
  const file = (name: string, text: string, mode = 0o600): string => {
    writeFileSync(path(name), text, { mode });
    return path(name);
  };
  const { certificatePem, keyPem } = await pki.leaf('ecdsa');
  file('cert.pem', certificatePem, 0o644);
  file('key.pem', keyPem);
  return { path, file };
}

/** Starts it; at the end of the test it is told to end, and waited for. */
export function daemon(t: Test, program: string, args: readonly (string | readonly string[])[]): Program {
  const running = new Program(t, pathOf(program)!, args);
  t.teardown(async () => {
    running.end();
    await running.exited;
  });
  return running;
}
