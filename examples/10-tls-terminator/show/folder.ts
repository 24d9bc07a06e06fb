import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder that is this user's alone, and goes with this process. */
export class Folder {
  readonly #path = mkdtempSync(join(tmpdir(), 'rxtls-terminator-'));

  constructor() {
    process.once('exit', () => rmSync(this.#path, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.#path, name);
  }

  /** Whole or not at all: written beside, and renamed. */
  replace(name: string, text: string): void {
    writeFileSync(this.path(`${name}.new`), text, { mode: 0o600 });
    renameSync(this.path(`${name}.new`), this.path(name));
  }
}
