// The programs of the child processes as plain JavaScript beside the tests' node_modules: without a loader, importing the built packages,
// which is what users run. Only the bench's own files are bundled.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const outdir = fileURLToPath(new URL('../node_modules/.cache/rxtls-bench/', import.meta.url));

/** Gives the path of the program. */
export async function buildChild(): Promise<string> {
  await build({
    entryPoints: ['child.ts', 'alone.ts'].map((file) => fileURLToPath(new URL(file, import.meta.url))),
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    logLevel: 'warning',
  });
  return `${outdir}child.mjs`;
}
