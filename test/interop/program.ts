import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Test } from 'tap';

/** Somebody else's program, with everything it printed; killed at the end of the test. */
export class Program {
  /** What it wrote to its standard output, and to both. */
  readonly output: Buffer[] = [];
  readonly printed: Buffer[] = [];
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  #changed: (() => void)[] = [];
  #outputLength = 0;

  constructor(t: Test, command: string, args: readonly (string | readonly string[])[]) {
    const child = spawn(command, args.flat(), { stdio: 'pipe' });
    this.#child = child;
    this.exited = new Promise((resolve) => {
      child.on('close', (code) => {
        resolve(code);
        this.#wake();
      });
      child.on('error', () => resolve(null));
    });
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (bytes: Buffer) => {
      this.output.push(bytes);
      this.#outputLength += bytes.length;
      this.printed.push(bytes);
      this.#wake();
    });
    child.stderr.on('data', (bytes: Buffer) => {
      this.printed.push(bytes);
      this.#wake();
    });
    t.teardown(async () => {
      this.kill();
      await this.exited;
    });
  }

  /** Latin-1, so that a byte is a character. */
  get text(): string {
    return Buffer.concat(this.printed).toString('latin1');
  }

  type(input: string | Uint8Array): void {
    this.#child.stdin.write(input);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** What it prints from now on finds no reader. */
  stopReading(): void {
    this.#child.stdout.destroy();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Tells it to end, for those that have children of their own. */
  end(): void {
    this.#child.kill('SIGTERM');
  }

  /** The first match in what it printed; what it printed instead is in the error. */
  async says(pattern: RegExp): Promise<RegExpMatchArray> {
    return this.#until(
      () => pattern.exec(this.text) ?? undefined,
      () => `${pattern} in: ${this.text.slice(-1500)}`,
    );
  }

  /** So many bytes of its standard output. */
  async outputs(length: number): Promise<Buffer> {
    await this.#until(
      () => (this.outputLength >= length ? true : undefined),
      () => `${length} bytes, only ${this.outputLength} came: ${this.text.slice(-500)}`,
    );
    return Buffer.concat(this.output);
  }

  get outputLength(): number {
    return this.#outputLength;
  }

  #wake(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const wake of waiting) wake();
  }

  async #until<T>(found: () => T | undefined, wanted: () => string): Promise<T> {
    const deadline = Date.now() + 15_000;
    for (;;) {
      const value = found();
      if (value !== undefined) return value;
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`waited for ${wanted()}`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
        this.#changed.push(resolve);
      });
      clearTimeout(timer);
    }
  }
}

export const isInstalled = (command: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' }).status === 0;

/** For programs that cannot be told to choose a port and say which. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
