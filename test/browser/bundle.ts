import { dirname } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What a bundler makes of a module for a page. */
export interface Bundle {
  /** One minified ES module. */
  readonly code: string;
  /** Of the code, compressed as servers do (RFC 1952). */
  readonly gzipBytes: number;
  /** Every file of which something is in it, from the repository's root, with the bytes that it takes there; the largest first. */
  readonly files: readonly (readonly [path: string, bytes: number])[];
  /** What it still imports. */
  readonly imports: readonly string[];
}

/**
 * Bundles a module (its text, or a file of this folder) by esbuild's defaults for a platform, whose conditions choose among a package's exports:
 * `browser` has browser, module and import; `neutral` import alone; `node` node, module and import. What is `external` may be missing; `imports`
 * tells what of it is left.
 */
export async function bundle(
  module: string | { readonly file: string },
  platform: 'browser' | 'neutral' | 'node' = 'browser',
  external: readonly string[] = [],
): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    ...(typeof module === 'string'
      ? { stdin: { contents: module, resolveDir: import.meta.dirname } }
      : { entryPoints: [`${import.meta.dirname}/${module.file}`] }),
    absWorkingDir: dirname(dirname(import.meta.dirname)),
    platform,
    // The sources as they stand: what `tsc` makes of them says the same, and may be older
    conditions: ['rxtls:source'],
    format: 'esm',
    target: 'es2022',
    bundle: true,
    external: [...external],
    minify: true,
    legalComments: 'none',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const [output] = Object.values(metafile.outputs);
  const files = Object.entries(output!.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput] as const);
  return {
    code: outputFiles[0]!.text,
    gzipBytes: gzipSync(outputFiles[0]!.contents, { level: 9 }).length,
    files: files.filter(([, bytes]) => bytes > 0).sort(([, a], [, b]) => b - a),
    imports: output!.imports.map(({ path }) => path),
  };
}
