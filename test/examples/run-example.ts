import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** SHA-256 of stdout's bytes. */
  readonly hash: string;
  readonly milliseconds: number;
  /** How long the process went on after its last word on stderr, in milliseconds. */
  readonly lingered: number;
}

/** Runs `examples/<name>/main.ts` in a process of its own, as `npm start` does; `input` is written to its stdin, `hangsUp` leaves when the first output is there. */
export async function runExample(
  name: string,
  args: readonly string[],
  input?: Uint8Array | string,
  options: { readonly env?: NodeJS.ProcessEnv; readonly hangsUp?: boolean } = {},
): Promise<Outcome> {
  const start = performance.now();
  const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
  const child = spawn(process.execPath, [...loader, join('examples', name, 'main.ts'), ...args], {
    cwd: root,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout.push(bytes);
    if (options.hangsUp) child.stdout?.destroy();
  });
  let lastWord = start;
  child.stderr?.on('data', (bytes: Buffer) => {
    stderr.push(bytes);
    lastWord = performance.now();
  });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const bytes = Buffer.concat(stdout);
  return {
    code,
    stdout: bytes.toString(),
    stderr: Buffer.concat(stderr).toString(),
    hash: sha256(bytes),
    milliseconds: performance.now() - start,
    lingered: performance.now() - lastWord,
  };
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Without tap's own hooks. */
export const cleanEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(NODE_|_?TAP|NO_COLOR|FORCE_COLOR)/.test(name)));
