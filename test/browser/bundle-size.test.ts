// What engine-tls13 costs a page, and that a page gets the noble entry and nothing of Node.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { execute, root } from '../packages/workspace.ts';
import { type Bundle, bundle } from './bundle.ts';

/** Gzipped bytes, minified. More than today by as much as a correction takes: what goes over is looked at. */
const budget = { engine: 65_000, withPostQuantum: 71_300 };

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} kB`;
const has = ({ files }: Bundle, part: string): boolean => files.some(([path]) => path.includes(part));

/** Minified bytes by where they come from: a package of others, a folder of ours. */
function sharesOf({ files }: Bundle): string {
  const shares = new Map<string, number>();
  for (const [path, bytes] of files) {
    const where =
      /.*node_modules\/(@?[^/]+\/[^/]+)/.exec(path)?.[1] ?? path.replace(/^packages\/(.*?)\/src\/([^/]+).*/, '$1 $2');
    shares.set(where, (shares.get(where) ?? 0) + bytes);
  }
  const sorted = [...shares].filter(([, bytes]) => bytes >= 1_000).sort(([, a], [, b]) => b - a);
  return sorted.map(([where, bytes]) => `${where} ${kilobytes(bytes)}`).join(', ');
}

await t.test('the engine in a page: within its budget, and nothing of Node', async (t) => {
  const engine = await bundle("export * from '@rxtls/engine-tls13';");
  t.comment(`${kilobytes(engine.gzipBytes)} gzipped, ${kilobytes(engine.code.length)} minified: ${sharesOf(engine)}`);
  t.ok(engine.gzipBytes <= budget.engine, `${engine.gzipBytes} bytes, at most ${budget.engine}`);
  t.same(engine.imports, []);
  t.notMatch(engine.code, /["'`]node:/);
  t.notOk(has(engine, 'engine-tls13/src/crypto/node/'));
  t.notOk(has(engine, '@noble/post-quantum'), 'without the post-quantum group');
  t.notOk(has(engine, '/rxjs/'), 'and without RxJS, which is for core');
  for (const unused of ['abstract/oprf', 'abstract/frost', 'abstract/hash-to-curve'])
    t.notOk(has(engine, unused), `@noble/curves/${unused} is left out`);
  const readme = readFileSync(join(root, 'packages', 'engine-tls13', 'README.md'), 'utf8');
  const told = Number(/about (\d+) kB gzipped/.exec(readme)?.[1]);
  t.ok(Math.abs(told * 1_000 - engine.gzipBytes) <= 1_000, `README says ${told} kB`);
});

await t.test('the post-quantum group in a page, by its own entry', async (t) => {
  const both = await bundle("export * from '@rxtls/engine-tls13'; export * from '@rxtls/engine-tls13/post-quantum';");
  t.comment(`${kilobytes(both.gzipBytes)} gzipped with the post-quantum group`);
  t.ok(both.gzipBytes <= budget.withPostQuantum, `${both.gzipBytes} bytes, at most ${budget.withPostQuantum}`);
  t.ok(has(both, '@noble/post-quantum'));
  t.same(both.imports, []);
});

await t.test('conditions choose the entry', async (t) => {
  const module = "export { tls13Engine } from '@rxtls/engine-tls13';";
  for (const [platform, entry, other] of [
    ['browser', 'noble', 'node'],
    ['neutral', 'noble', 'node'],
    ['node', 'node', 'noble'],
  ] as const) {
    const chosen = await bundle(module, platform);
    t.ok(has(chosen, `engine-tls13/src/${entry}.ts`), `esbuild, ${platform}: ${entry}`);
    t.notOk(has(chosen, `engine-tls13/src/${other}.ts`));
    t.equal(chosen.imports.includes('node:crypto'), platform === 'node');
  }
  await t.rejects(
    bundle("export * from '@rxtls/engine-tls13/node';"),
    /node:crypto/,
    'a page cannot have the other one',
  );

  const resolved = ['--input-type=module', '-e', "console.log(import.meta.resolve('@rxtls/engine-tls13'))"];
  const inNode = (...flags: string[]): Promise<string> =>
    execute(process.execPath, [...flags, ...resolved], join(root, 'test'));
  t.match(await inNode(), /engine-tls13\/dist\/node\.js$/m, 'Node, as published');
  t.match(await inNode('--conditions=rxtls:source'), /engine-tls13\/src\/node\.ts$/m, 'Node, from the sources');
});
