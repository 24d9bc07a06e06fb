// What the documents show is code: every ```ts block and every @example compiles, and those marked `ts run` run.
// A fragment may leave out imports and the variables below; the test puts them in front of it.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { root } from '../boundaries/sources.ts';
import { compiler, execute } from '../packages/workspace.ts';
import { type Block, documents, examples, fencedBlocks } from './blocks.ts';

t.setTimeout(120_000);

/** What a fragment may name without saying where it comes from. */
const variables: Readonly<Record<string, string>> = {
  host: 'string',
  port: 'number',
  cert: 'string',
  key: 'string',
  proxy: "import('@rxtls/transport-tcp').ConnectOptions",
  request: 'Uint8Array',
  credentials: "import('@rxtls/engine-node').Credentials",
  engine: "import('@rxtls/core').TlsEngineFactory<'client'>",
  writes: "import('rxjs').Observable<Uint8Array>",
  ciphertextIn: "import('rxjs').Observable<Uint8Array>",
  ciphertextOut: "import('rxjs').Observer<Uint8Array>",
  connection: "import('@rxtls/core').TlsConnection",
  meter: "import('@opentelemetry/api').Meter",
};
const modules: readonly string[] = [
  '@rxtls/core',
  '@rxtls/credentials',
  '@rxtls/engine-node',
  '@rxtls/opentelemetry',
  '@rxtls/starttls',
  '@rxtls/testing',
  '@rxtls/transport-memory',
  '@rxtls/transport-streams',
  '@rxtls/transport-streams/node',
  '@rxtls/transport-tcp',
  '@rxtls/transport-websocket',
  'rxjs',
];
const exported = new Map<string, string>();
for (const name of modules)
  for (const each of Object.keys((await import(name)) as object)) if (!exported.has(each)) exported.set(each, name);

/** Names that a block uses and neither imports nor declares. */
function prelude({ code }: Block): string {
  const bare = code.replaceAll(/\/\/.*$/gm, '').replaceAll(/'[^'\n]*'|`[^`]*`/g, "''");
  const own = new Set(
    Array.from(bare.matchAll(/\b(?:const|let|function|class|using)\s+(\w+)/g), (match) => match[1]!).concat(
      Array.from(bare.matchAll(/\b(?:import|const|let)\s+(?:type\s+)?[{[]([^}\]]*)[}\]]/g)).flatMap((match) =>
        match[1]!.split(',').map((each) =>
          each
            .replace(/^.*(?: as |:)/, '')
            .replace(/\btype\b/, '')
            .trim(),
        ),
      ),
    ),
  );
  const used = new Set(Array.from(bare.matchAll(/(?<![.\w])([a-zA-Z]\w*)\b(?!\s*:)/g), (match) => match[1]!));
  const lines: string[] = [];
  for (const name of used) {
    if (own.has(name)) continue;
    const from = exported.get(name);
    if (name in variables) lines.push(`declare const ${name}: ${variables[name]};`);
    else if (from !== undefined) lines.push(`import { ${name} } from '${from}';`);
  }
  return lines.join('\n');
}

const blocks = [...documents.flatMap(fencedBlocks), ...examples()];
// Inside test/, so that the packages are found as any user of them finds them; gone again afterwards.
const folder = join(import.meta.dirname, `.blocks-${process.pid}`);
mkdirSync(folder);
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = ({ where }: Block): string => `${where.replaceAll(/[^\w]+/g, '-')}.ts`;
for (const block of blocks)
  writeFileSync(join(folder, fileOf(block)), `${prelude(block)}\nexport {};\n// ${block.where}\n${block.code}`);

await t.test('there are blocks, and each is marked as code that compiles or code that runs', async (t) => {
  t.ok(documents.includes('README.md'));
  t.ok(blocks.length >= 5, `${blocks.length} blocks in ${documents.length} documents and the sources`);
  t.same(
    blocks.filter(({ mark }) => mark !== '' && mark !== 'run').map(({ where, mark }) => `${where}: ts ${mark}`),
    [],
  );
});

await t.test('every block type-checks against the sources', async (t) => {
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.base.json',
      compilerOptions: {
        noEmit: true,
        composite: false,
        declaration: false,
        declarationMap: false,
        isolatedDeclarations: false,
        rewriteRelativeImportExtensions: false,
        allowImportingTsExtensions: true,
        noUnusedLocals: false,
        noUnusedParameters: false,
        lib: ['es2022', 'esnext.disposable'],
        types: ['node'],
        rootDir: '../../..',
      },
      files: blocks.map(fileOf),
    }),
  );
  const output = await execute(compiler, ['-p', join(folder, 'tsconfig.json'), '--pretty', 'false'], root).then(
    () => '',
    (error: Error) => error.message,
  );
  for (const block of blocks) {
    const errors = output.split('\n').filter((line) => line.includes(`/${fileOf(block)}(`));
    t.same(
      errors.map((line) => line.slice(line.indexOf('error'))),
      [],
      block.where,
    );
  }
  t.ok(output === '' || blocks.some((block) => output.includes(fileOf(block))), output);
});

for (const block of blocks.filter(({ mark }) => mark === 'run'))
  await t.test(`${block.where} runs, and prints what it says`, async (t) => {
    const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
    const printed = await execute(process.execPath, [...loader, join(folder, fileOf(block))], root);
    for (const [, expected] of block.code.matchAll(/console\.log\(.*\/\/ (.+)$/gm))
      t.ok(printed.includes(expected!.trim()), `${expected} is in: ${printed.trim()}`);
    t.pass('ended by itself');
  });
