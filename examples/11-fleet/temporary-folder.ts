import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is this user's alone, and goes with this process. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rxtls-fleet-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
