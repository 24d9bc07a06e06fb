import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const root: string = join(import.meta.dirname, '..', '..');
const run = promisify(execFile);

/** Folder names of all packages, `core` first, since the others need it. */
export const packages: readonly string[] = [...readdirSync(join(root, 'packages'))].sort((a, b) =>
  a === 'core' ? -1 : b === 'core' ? 1 : a < b ? -1 : 1,
);

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

export const manifest = (name: string): Manifest =>
  JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest;

/** What can be imported: `@rxtls/core`, `@rxtls/core/engine`, … */
export const entryPoints: readonly string[] = packages.flatMap((name) =>
  Object.keys(manifest(name).exports)
    .filter((key) => key !== './package.json')
    .map((key) => manifest(name).name + key.slice(1)),
);

/** The environment without what the test runner put into it, or children would be instrumented too. */
const environment = (): string[] =>
  Object.entries(process.env)
    .filter(([name]) => !/^(NODE_OPTIONS|NODE_V8_COVERAGE|_?TAP.*|npm_.*)$/.test(name))
    .map(([name, value]) => `${name}=${value}`);

/**
 * Runs a program; what it printed is in the error when it fails. By way of `env -i`, since tap's hook on `spawn` puts back
 * whatever is missing in the environment that it is given.
 */
export async function execute(command: string, input: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await run('env', ['-i', ...environment(), command, ...input], {
      cwd,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (cause) {
    const { stdout = '', stderr = '' } = cause as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${input.join(' ')}\n${stdout}\n${stderr}`, { cause });
  }
}

export const compiler: string = join(root, 'node_modules', '.bin', 'tsc');
