// The public surface of every entry point, as declarations, committed beside this test: a change of it is seen and meant.
// To accept a change: RXTLS_UPDATE_API=1 node --conditions=rxtls:source --import @oxc-node/core/register test/packages/api-report.test.ts
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import t from 'tap';
import { compiler, entryPoints, execute, manifest, packages, root } from './workspace.ts';

t.setTimeout(120_000);
const update = process.env['RXTLS_UPDATE_API'] === '1';
const reports = join(import.meta.dirname, 'api');

/** Top-level statements of a declaration file by the name they declare; several for overloads and merged declarations. */
function statements(file: string): { readonly declared: Map<string, string>; readonly source: string } {
  const source = readFileSync(file, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/^\s*\/\/.*$/gm, '')
    .replaceAll(/^\s*\n/gm, '');
  const declared = new Map<string, string>();
  for (const block of source.split(/^(?=export |declare |type |interface |import )/m)) {
    const name =
      /^(?:export )?(?:declare )?(?:abstract )?(?:const|let|function|class|interface|type|abstract class) (\w+)/.exec(
        block,
      )?.[1];
    if (name !== undefined) declared.set(name, `${declared.get(name) ?? ''}${block.trimEnd()}\n`);
  }
  return { declared, source };
}

/** `name → declaration` of everything an entry point exports, in the order of its own lines. */
function surface(file: string): [name: string, declaration: string][] {
  const { declared, source } = statements(file);
  const found: [string, string][] = [];
  for (const [, star, list, from] of source.matchAll(/^export (?:(\*)|(?:type )?\{([^}]*)\}) from '([^']+)';/gm)) {
    const target = from!.startsWith('.')
      ? join(dirname(file), from!.replace(/\.(ts|js)$/, '.d.ts'))
      : declarations(from!);
    if (star !== undefined) found.push(...surface(target));
    for (const item of (list ?? '').split(',')) {
      const [, original = '', renamed] = /^\s*(?:type )?(\w+)(?: as (\w+))?\s*$/.exec(item) ?? [];
      if (original === '') continue;
      const declaration =
        new Map(surface(target)).get(original) ?? `export declare const ${original}: unknown; // not found\n`;
      found.push([renamed ?? original, declaration]);
    }
  }
  for (const [name, declaration] of declared) if (declaration.startsWith('export ')) found.push([name, declaration]);
  return found;
}

/** The declaration file of an entry point of ours. */
function declarations(entry: string): string {
  const name = packages.find((each) => entry === manifest(each).name || entry.startsWith(`${manifest(each).name}/`))!;
  const key = `.${entry.slice(manifest(name).name.length)}`;
  const { types } = manifest(name).exports[key] as { types: string };
  return join(root, 'packages', name, types);
}

function report(entry: string): string {
  const lines = surface(declarations(entry)).map(([, declaration]) => declaration);
  return `// ${entry}: what it exports. Reviewed; see ${basename(import.meta.filename)}.\n\n${lines.join('\n')}`;
}

await t.test('declarations are built', async () => {
  await execute(compiler, ['-b', ...packages.map((name) => `packages/${name}`)], root);
});

for (const entry of entryPoints)
  await t.test(`${entry}: the public surface is the reviewed one`, async (t) => {
    const file = join(reports, `${entry.replace('@rxtls/', '').replaceAll('/', '-')}.d.ts.txt`);
    const now = report(entry);
    if (update) {
      mkdirSync(reports, { recursive: true });
      writeFileSync(file, now);
    }
    const reviewed = existsSync(file) ? readFileSync(file, 'utf8') : '';
    t.notMatch(now, /not found/, 'every export was found');
    t.match(now, /^export /m, 'something is exported');
    t.equal(now, reviewed, `if this is meant, review it and run with RXTLS_UPDATE_API=1: ${basename(file)}`);
  });
