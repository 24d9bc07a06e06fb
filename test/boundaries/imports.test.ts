// The boundaries of the design, held by reading every source: who may import whom, what core may name, how files look.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { execFileSync } from 'node:child_process';
import t from 'tap';
import { filesUnder, packageSources, root, type SourceFile, sourceFile, withoutWords } from './sources.ts';

const sources = packageSources();
const packages = [...new Set(sources.flatMap((file) => file.package ?? []))];

/** ARCHITECTURE.md, "Allowed imports": what each package may import, beside its own files. `node:` stands for all of `node:*`. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: ['rxjs'],
  'engine-node': ['@rxtls/core/engine', '@rxtls/core/engine-parts', 'node:'],
  'engine-forge': ['@rxtls/core/engine', '@rxtls/core/engine-parts', 'node-forge'],
  'engine-tls13': ['@rxtls/core/engine', '@rxtls/core/engine-parts', '@noble/', 'node:'],
  credentials: ['@rxtls/core/engine', '@rxtls/core/engine-parts', 'rxjs', 'node:'],
  'transport-tcp': ['@rxtls/core', '@rxtls/core/engine', '@rxtls/core/engine-parts', 'rxjs', 'node:'],
  'transport-memory': ['@rxtls/core', '@rxtls/core/engine', 'rxjs'],
  'transport-streams': ['@rxtls/core', '@rxtls/core/engine', '@rxtls/core/engine-parts', 'rxjs', 'node:'],
  starttls: ['@rxtls/core', '@rxtls/core/engine', '@rxtls/core/engine-parts', 'rxjs'],
  'transport-websocket': ['@rxtls/core', '@rxtls/core/engine', '@rxtls/core/engine-parts', 'rxjs', 'ws', 'node:'],
  opentelemetry: ['@rxtls/core', '@rxtls/core/engine', '@rxtls/core/engine-parts', '@opentelemetry/api'],
  testing: ['@rxtls/core', '@rxtls/core/engine', 'rxjs', 'rxjs/testing', '@peculiar/x509', 'reflect-metadata', 'node:'],
};

const mayImport = (name: string, specifier: string): boolean =>
  (allowed[name] ?? []).some((each) => specifier === each || (/[:/]$/.test(each) && specifier.startsWith(each)));

const offenders = (files: readonly SourceFile[], pattern: RegExp): string[] =>
  files.flatMap(({ path, code }) =>
    code.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );

t.test('every package imports what the design allows it, and nothing else', async (t) => {
  t.ok(sources.length > 50, `${sources.length} files in ${packages.length} packages are read`);
  t.same(
    packages.filter((name) => allowed[name] === undefined),
    [],
    'every package is in the table',
  );
  for (const name of packages) {
    const files = sources.filter((file) => file.package === name);
    const wrong = files.flatMap(({ path, imports }) =>
      imports.filter((each) => !each.startsWith('.') && !mayImport(name, each)).map((each) => `${path}: ${each}`),
    );
    t.same(wrong, [], `${name}: ${(allowed[name] ?? []).join(', ')}`);
    const outside = files.flatMap(({ path, imports }) =>
      imports
        .filter((each) => each.startsWith('.'))
        .filter((each) => !posix.join(dirname(path), each).startsWith(`packages/${name}/src/`))
        .map((each) => `${path}: ${each}`),
    );
    t.same(outside, [], `${name}: no relative import leaves the package`);
    const dangling = files.flatMap(({ path, imports }) =>
      imports
        .filter((each) => each.startsWith('.') && !existsSync(join(root, dirname(path), each)))
        .map((each) => `${path}: ${each}`),
    );
    t.same(dangling, [], `${name}: every relative import exists, with its extension`);
  }
});

t.test('the engine contract imports nothing outside its folder, and core comes to it by its index', async (t) => {
  const contract = sources.filter(({ path }) => path.startsWith('packages/core/src/engine/'));
  t.ok(contract.length > 10);
  const outside = contract.flatMap(({ path, imports }) =>
    imports.filter((each) => !each.startsWith('./')).map((each) => `${path}: ${each}`),
  );
  t.same(outside, []);
  const inside = sources
    .filter(({ path }) => path.startsWith('packages/core/src/') && !path.startsWith('packages/core/src/engine/'))
    .flatMap(({ path, imports }) =>
      imports
        .filter((each) => each.includes('engine/') && !each.endsWith('engine/index.ts'))
        .map((each) => `${path}: ${each}`),
    );
  t.same(inside, []);
});

t.test('what engines share imports the engine contract alone, and core itself has no use for it', async (t) => {
  const isPart = ({ path }: SourceFile): boolean => path.startsWith('packages/core/src/engine-parts/');
  const parts = sources.filter(isPart);
  t.ok(parts.length > 1);
  const outside = parts.flatMap(({ path, imports }) =>
    imports.filter((each) => !each.startsWith('./') && each !== '../engine/index.ts').map((each) => `${path}: ${each}`),
  );
  t.same(outside, []);
  const inside = sources
    .filter((file) => file.package === 'core' && !isPart(file))
    .flatMap(({ path, imports }) =>
      imports.filter((each) => each.includes('engine-parts')).map((each) => `${path}: ${each}`),
    );
  t.same(inside, []);
});

t.test(
  'nobody imports an engine but examples and tests; nobody imports a transport or the test kit but them',
  async (t) => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter((each) => /^@rxtls\/(engine-|transport-|testing|starttls)/.test(each))
        .map((each) => `${path}: ${each}`),
    );
    t.same(wrong, []);
    for (const name of packages) {
      const { dependencies = {}, peerDependencies = {} } = JSON.parse(
        readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'),
      ) as Record<string, Record<string, string> | undefined>;
      const declared = Object.keys({ ...dependencies, ...peerDependencies });
      t.same(
        declared.filter((each) => /^@rxtls\/(engine-|transport-|testing)/.test(each)),
        [],
        `${name} depends on no engine and no transport`,
      );
      const used = new Set(
        sources
          .filter((file) => file.package === name)
          .flatMap(({ imports }) => imports.filter((each) => !each.startsWith('.') && !each.startsWith('node:')))
          .map((each) => (each.startsWith('@') ? each.split('/').slice(0, 2).join('/') : each.split('/')[0]!)),
      );
      t.same(
        [...used].filter((each) => !declared.includes(each)),
        [],
        `${name} declares what it imports`,
      );
    }
  },
);

t.test(
  'engine-tls13: primitives come from the providers alone, and one provider does not reach into the other',
  async (t) => {
    const files = sources.filter((file) => file.package === 'engine-tls13');
    const within = (folder: string): readonly SourceFile[] =>
      files.filter(({ path }) => path.startsWith(`packages/engine-tls13/src/crypto/${folder}/`));
    const of = (list: readonly SourceFile[], pattern: RegExp): string[] =>
      list.flatMap(({ path, imports }) =>
        imports.filter((each) => pattern.test(each)).map((each) => `${path}: ${each}`),
      );
    t.ok(within('node').length > 5 && within('noble').length > 5, 'both providers are read');
    const rest = files.filter((file) => !within('node').includes(file) && !within('noble').includes(file));
    t.same(of(rest, /^(node:|@noble\/)/), [], 'no file outside the providers imports primitives');
    t.same(of(within('node'), /@noble\/|\.\.\/noble\//), [], 'node');
    t.same(of(within('noble'), /^node:|\.\.\/node\//), [], 'noble');
    t.same(
      of(rest, /crypto\/(node|noble)\//)
        .map((line) => line.split(':')[0]!.split('/').at(-1)!)
        .sort(),
      ['noble.ts', 'noble.ts', 'node.ts', 'node.ts', 'post-quantum.ts'],
      'only the entries choose one',
    );
  },
);

t.test(
  'transport-streams: nothing of Node outside its folder for Node, and only the entry for Node reaches in',
  async (t) => {
    const files = sources.filter((file) => file.package === 'transport-streams');
    const isNode = ({ path }: SourceFile): boolean => path.startsWith('packages/transport-streams/src/node/');
    t.ok(files.filter(isNode).length > 2, 'the folder is read');
    const wrong = files
      .filter((file) => !isNode(file))
      .flatMap(({ path, imports }) =>
        imports.filter((each) => /^node:|\/node\//.test(each)).map((each) => `${path.split('/').at(-1)}: ${each}`),
      );
    t.same(
      wrong.filter((line) => !line.startsWith('node.ts: ./node/')),
      [],
    );
  },
);

t.test('transport-websocket: what a page loads imports nothing of Node, and no ws', async (t) => {
  const files = sources.filter((file) => file.package === 'transport-websocket');
  const isForNode = ({ path }: SourceFile): boolean => /\/src\/node(\/|\.ts$)/.test(path);
  t.ok(files.filter(isForNode).length > 2, 'its part for Node is read');
  const wrong = files
    .filter((file) => !isForNode(file))
    .flatMap(({ path, imports }) =>
      imports.filter((each) => /^(node:|ws$|\.\/node)/.test(each)).map((each) => `${path}: ${each}`),
    );
  t.same(wrong, []);
});

t.test('core, the memory transport, starttls, engine-forge and engine-tls13 name nothing of a platform', async (t) => {
  // The compiler holds this too ("types": [] and lib without dom); the one exception is asked for by structure, through globalThis.
  const globals =
    /(?<![.\w#'"-])(Buffer|process|setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|queueMicrotask|window|document|console|navigator|self|require|module|__dirname|__filename|TextEncoder|TextDecoder|performance|fetch|crypto)(?=\s*[.([])/;
  const platformless = ['core', 'transport-memory', 'starttls', 'engine-forge', 'opentelemetry'];
  // engine-tls13, transport-streams and transport-websocket have one folder for Node, which asks for its types by itself.
  const bare = sources.filter(
    ({ package: name = '', path }) =>
      platformless.includes(name) ||
      (name === 'engine-tls13' && !path.includes('/crypto/node/')) ||
      (name === 'transport-streams' && !path.includes('/src/node/')) ||
      (name === 'transport-websocket' && !path.includes('/src/node/')),
  );
  t.same(
    // node-forge has a method of that name
    offenders(bare, globals).filter(
      (line) =>
        !/default-host\.ts.*crypto\.|forge-library\.ts.*process\(bytes/.test(line) &&
        // a provider of primitives goes by that name
        !/engine-tls13.*(?<!globalThis\.)crypto\.\w/.test(line),
    ),
    [],
  );
  for (const name of platformless) {
    const base = JSON.parse(readFileSync(join(root, 'tsconfig.base.json'), 'utf8')) as {
      compilerOptions: Record<string, unknown>;
    };
    const own = JSON.parse(readFileSync(join(root, 'packages', name, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: Record<string, unknown>;
    };
    const { types, lib } = { ...base.compilerOptions, ...own.compilerOptions };
    t.same(types, [], `${name}: "types": []`);
    t.notOk(JSON.stringify(lib).toLowerCase().includes('dom'), `${name}: lib without dom`);
  }
});

t.test('no default exports, no any, no module state, no enum, in any package', async (t) => {
  t.same(offenders(sources, /\bexport\s+default\b|\bas\s+default\b/), [], 'no default exports');
  t.same(offenders(sources, /(?<![\w.#'"$])any(?![\w'":])(?=\s*[;,)>\]|&=[]|$)/), [], 'no any');
  t.same(offenders(sources, /^(export\s+)?(let|var)\b/), [], 'no let at module scope');
  t.same(
    offenders(
      sources,
      /^(export\s+)?const\s+\w+[^=]*=\s*new\s+(Map|Set|WeakMap|WeakSet|Array|Subject|BehaviorSubject)\(\s*\)/,
    ),
    [],
    'no growing collection at module scope',
  );
  t.same(offenders(sources, /^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s/), [], 'no enum');
  t.same(offenders(sources, /@ts-(ignore|nocheck)/), []);
  t.same(
    sources.filter(({ text }) => /@ts-(ignore|nocheck|expect-error)/.test(text)).map(({ path }) => path),
    [],
    'nothing is hidden from the compiler',
  );
  t.same(offenders(sources, /^export\s+interface\s+I[A-Z]\w*/), [], 'no I in front of interfaces');
});

t.test('files: kebab-case, named after what they hold, short', async (t) => {
  t.same(
    sources.filter(({ name }) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(name)).map(({ path }) => path),
    [],
    'kebab-case',
  );
  t.same(
    sources
      .filter(({ path }) => /(^|[/.-])(utils?|helpers?|common|types|misc|shared)([/.-]|$)/.test(path))
      .map(({ path }) => path),
    [],
    'no name that says nothing',
  );
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted is ES2023; this array is ours alone
  const lengths = sources.map(({ lines }) => lines).sort((a, b) => a - b);
  const at = (share: number): number => lengths[Math.ceil(lengths.length * share) - 1] ?? 0;
  const over = sources.filter(({ lines }) => lines > 400).map(({ path, lines }) => `${path}: ${lines}`);
  t.comment(
    `${lengths.length} files, median ${at(0.5)} lines, nine in ten under ${at(0.9)}, longest ${lengths.at(-1)}`,
  );
  t.same(over, [], 'nothing over 400 lines');
  t.ok(at(0.5) <= 80, `median ${at(0.5)}, at most 80`);
  t.ok(at(0.9) <= 220, `nine in ten within ${at(0.9)}, at most 220`);
});

t.test(
  'no machine path and no address of a registry anywhere in the repository; the lockfile names no address',
  async (t) => {
    const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
    })
      .split('\0')
      .filter((path) => path !== '' && existsSync(join(root, path)) && statSync(join(root, path)).isFile());
    t.ok(tracked.length > 100, `${tracked.length} files`);
    // Written so that this file does not hold what it looks for.
    const machine = /\/w[o]rk\/|\/h[o]me\/\w|\/U[s]ers\/\w|\/r[o]ot\/\w|[A-Z]:\\\\?U[s]ers/;
    const registry = /registry\.(n[p]mjs|y[a]rnpkg)\.|n[p]mmirror\.com|\ba[r]tifactory\b|\bv[e]rdaccio\b/i;
    const found: string[] = [];
    for (const path of tracked) {
      const bytes = readFileSync(join(root, path));
      if (bytes.includes(0)) continue;
      const text = bytes.toString('utf8');
      const hit = machine.exec(text)?.[0] ?? registry.exec(text)?.[0];
      if (hit !== undefined) found.push(`${path}: ${hit}`);
    }
    t.same(found, []);
    t.notMatch(readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8'), /https?:\/\//, 'pnpm-lock.yaml');
  },
);

t.test('folder name = package name; every package has its README, licence and exports', async (t) => {
  for (const name of readdirSync(join(root, 'packages'))) {
    const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    t.equal(manifest['name'], `@rxtls/${name}`);
    t.equal(manifest['type'], 'module');
    t.equal(manifest['license'], 'MIT');
    t.equal(manifest['sideEffects'], false);
    t.ok(existsSync(join(root, 'packages', name, 'README.md')), `${name} has a README`);
  }
});

t.test('these tests can fail: what they read is read right', async (t) => {
  t.equal(
    withoutWords("a('any') // let x\n`let ${b} any`; /* enum */ c").replaceAll(/\s+/g, ' ').trim(),
    'a( ) b ; c'.replaceAll(/\s+/g, ' '),
  );
  const self = sourceFile(join(import.meta.dirname, 'imports.test.ts'));
  t.ok(self.imports.includes('./sources.ts') && self.imports.includes('node:fs'));
  const fake = (code: string): SourceFile => ({ ...self, path: 'fake.ts', text: code, code: withoutWords(code) });
  t.equal(offenders([fake('let x = 1;')], /^(export\s+)?(let|var)\b/).length, 1);
  t.equal(
    offenders([fake('function a(b: any): void {}')], /(?<![\w.#'"$])any(?![\w'":])(?=\s*[;,)>\]|&=[]|$)/).length,
    1,
  );
  t.notOk(mayImport('core', 'node:fs'));
  t.notOk(mayImport('engine-node', '@rxtls/core'));
  t.notOk(mayImport('transport-memory', '@rxtls/testing'));
  t.ok(filesUnder('test/boundaries', /\.ts$/).length >= 2);
});
