import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { PostgresPrograms } from './postgres-programs.ts';

/** One of PostgreSQL's programs, and what it prints. */
export class PostgresProcess {
  /** Its exit code; null where it was killed or could not be started. */
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #name: string;
  #printed = '';
  #heard: () => void = () => undefined;

  constructor({ folder, runAs }: PostgresPrograms, cwd: string, name: string, args: readonly string[]) {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C' }; // none of the variables that begin with PG
    const child = spawn(join(folder, name), args, { ...runAs, cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#name = name;
    for (const output of [child.stdout, child.stderr])
      output.on('data', (bytes: Buffer) => {
        this.#printed = (this.#printed + bytes.toString()).slice(-10_000);
        this.#heard();
      });
    this.exited = new Promise((resolve) => {
      child.once('close', (code) => resolve(code));
      child.once('error', (error) => {
        this.#printed += error.message;
        resolve(null);
      });
    });
  }

  get lastLine(): string {
    return this.#printed.trimEnd().split('\n').at(-1) ?? '';
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** @throws Error when it ends, or 30 s pass, before it has said so */
  async says(pattern: RegExp): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const fail = (): void => reject(new Error(`${this.#name} did not start: ${this.lastLine}`));
      timer = setTimeout(fail, 30_000);
      this.exited.then(fail, reject);
      this.#heard = () => {
        if (pattern.test(this.#printed)) resolve();
      };
      this.#heard();
    }).finally(() => clearTimeout(timer));
  }
}
