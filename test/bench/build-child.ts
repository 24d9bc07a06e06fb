// The programs of the child processes as plain JavaScript beside the tests' node_modules: without a loader, importing the built
// packages, which is what users run. Only the bench's own files are bundled.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const outdir = fileURLToPath(new URL('../node_modules/.cache/rxtls-bench/', import.meta.url));

/** Gives the path of the program. What is the same is left alone: another bench may be running it. */
export async function buildChild(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['child.ts', 'alone.ts'].map((file) => fileURLToPath(new URL(file, import.meta.url))),
    outdir,
    outExtension: { '.js': '.mjs' },
    write: false,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'warning',
  });
  mkdirSync(outdir, { recursive: true });
  for (const { path, contents } of outputFiles) {
    if (existsSync(path) && readFileSync(path).equals(contents)) continue;
    writeFileSync(`${path}.${process.pid}`, contents);
    renameSync(`${path}.${process.pid}`, path);
  }
  return `${outdir}child.mjs`;
}
