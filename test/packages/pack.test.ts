// What users get: every package packed, installed by npm into an empty folder, imported, required, type-checked and run.
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { compiler, entryPoints, execute, manifest, packages, root } from './workspace.ts';

t.setTimeout(180_000);
const folder = t.testdir({ 'package.json': JSON.stringify({ private: true, type: 'module' }), tarballs: {} });
const tarballs = join(folder, 'tarballs');
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

await t.test('every package packs', async (t) => {
  if (!readdirSync(join(root, 'packages', 'core')).includes('dist'))
    await execute(compiler, ['-b', ...packages.map((name) => `packages/${name}`)], root);
  const pack = ['-r', '--filter', './packages/*', 'pack', '--pack-destination', tarballs];
  await execute('npx', ['--yes', 'pnpm@12.21.0', ...pack], root);
  t.equal(readdirSync(tarballs).length, packages.length);
});

await t.test('they install together, without scripts', async (t) => {
  const files = readdirSync(tarballs).map((name) => `./tarballs/${name}`);
  await execute(
    'npm',
    [
      'install',
      '--no-save',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      ...files,
      'rxjs@7.8.2',
      '@types/node@20.19.43',
    ],
    folder,
  );
  for (const name of packages) {
    const installed = JSON.parse(
      readFileSync(join(folder, 'node_modules', '@rxtls', name, 'package.json'), 'utf8'),
    ) as Record<string, unknown>;
    const text = JSON.stringify(installed);
    t.notMatch(text, /rxtls:source|workspace:/, `${name}: no source condition and no workspace range left`);
    t.equal(installed['name'], manifest(name).name);
    const files = readdirSync(join(folder, 'node_modules', '@rxtls', name));
    for (const needed of ['README.md', 'LICENSE', 'dist', 'src']) t.ok(files.includes(needed), `${name} has ${needed}`);
    t.notOk(files.includes('test'), `${name} has no tests in it`);
  }
});

await t.test('import and require reach every entry point', async (t) => {
  write(
    'imports.mjs',
    `${entryPoints.map((name, index) => `import * as p${index} from '${name}';`).join('\n')}
console.log(JSON.stringify([${entryPoints.map((_, index) => `Object.keys(p${index}).length`).join(', ')}]));`,
  );
  write(
    'requires.cjs',
    `console.log(JSON.stringify([${entryPoints.map((name) => `Object.keys(require('${name}')).length`).join(', ')}]));`,
  );
  for (const name of ['imports.mjs', 'requires.cjs']) {
    const counts = JSON.parse(
      await execute(process.execPath, ['--disable-warning=ExperimentalWarning', name], folder),
    ) as number[];
    t.equal(counts.length, entryPoints.length);
    t.ok(
      counts.every((count) => count > 0),
      `${name}: ${entryPoints.map((entry, index) => `${entry} ${counts[index]}`).join(', ')}`,
    );
  }
  const behind = execute(process.execPath, ['--input-type=module', '-e', "import '@rxtls/core/dist/stage.js'"], folder);
  await t.rejects(behind, /ERR_PACKAGE_PATH_NOT_EXPORTED/, 'and nothing behind them');
});

await t.test(
  'opentelemetry: without the API that it has the types of it can be imported, and takes any meter',
  async (t) => {
    t.notOk(readdirSync(join(folder, 'node_modules')).includes('@opentelemetry'), 'no install brought it');
    write(
      'metrics.mjs',
      `import { connectionMetrics } from '@rxtls/opentelemetry';
const instrument = { add: (value) => console.log('added', value), record() {} };
const make = () => instrument;
const meter = { createCounter: make, createUpDownCounter: make, createGauge: make, createHistogram: make };
connectionMetrics(meter).failed.next({ error: 'no', info: {} });`,
    );
    t.equal((await execute(process.execPath, ['metrics.mjs'], folder)).trim(), 'added 1');
  },
);

await t.test('a connection runs on what was packed', async (t) => {
  write(
    'connection.mjs',
    `import { secure } from '@rxtls/core';
import { placeboEngine } from '@rxtls/testing';
import { memoryPair } from '@rxtls/transport-memory';
import { concat, NEVER, of, switchMap } from 'rxjs';
const [a, b] = memoryPair();
const decode = (bytes) => new TextDecoder().decode(bytes);
concat(of(b), NEVER).pipe(secure(placeboEngine.server()), switchMap((c) => c.writeFrom(c.source))).subscribe();
concat(of(a), NEVER)
  .pipe(secure(placeboEngine.client()), switchMap((c) => (c.write(new TextEncoder().encode('packed')), c.plaintext)))
  .subscribe((bytes) => {
    console.log(decode(bytes));
    process.exit(0);
  });`,
  );
  t.equal((await execute(process.execPath, ['connection.mjs'], folder)).trim(), 'packed');
});

await t.test('a strict program type-checks against the packed types, with and without the DOM', async (t) => {
  write(
    'program.ts',
    `import { type ByteDuplex, byHello, liveEngine, open, secure, secureEach, tls, type TlsConnection, use, whenSafe } from '@rxtls/core';
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { memoryPair } from '@rxtls/transport-memory';
import { type Observable, type Observer, of, retry, Subject, timeout, toArray } from 'rxjs';

declare const ciphertextIn: Observable<Uint8Array>;
declare const ciphertextOut: Observer<Uint8Array>;
declare const client: TlsEngineFactory<'client'>;
declare const factory: TlsEngineFactory<'server'>;
const server = liveEngine(of(1), () => factory);

export const literal: Observable<Uint8Array> = ciphertextIn.pipe(tls(client, { writes: new Subject<Uint8Array>(), ciphertextOut }));
export const exchanged: Observable<Uint8Array[]> = of<ByteDuplex>(memoryPair()[0]).pipe(
  secure(client),
  timeout({ first: 5_000 }),
  use((connection) => connection.exchange([Uint8Array.of(1)])),
  toArray(),
  retry(whenSafe({ count: 3 })),
);
export const served = of<ByteDuplex>(memoryPair()[1]).pipe(
  secureEach(byHello(() => server), (connection) => connection.writeFrom(connection.source), { maxConcurrentHandshakes: 256 }),
);
export const opened: Promise<TlsConnection> = open(of(memoryPair()[0]).pipe(secure(client)));
// @ts-expect-error a server's engine is no client's
export const wrong: TlsEngineFactory<'client'> = factory;
`,
  );
  write(
    'node-program.ts',
    `import { secure } from '@rxtls/core';
import { watchFiles } from '@rxtls/credentials';
import { nodeEngine } from '@rxtls/engine-node';
import { connectionMetrics } from '@rxtls/opentelemetry';
import type { Meter } from '@opentelemetry/api';
import { engineCompliance, placeboEngine } from '@rxtls/testing';
import { connect } from '@rxtls/transport-tcp';
import { connectWebSocket } from '@rxtls/transport-websocket';
import { listenWebSocket } from '@rxtls/transport-websocket/node';
import type { Observable } from 'rxjs';
export const files: Observable<{ readonly cert: string; readonly key: string }> = watchFiles({ cert: 'tls.crt', key: 'tls.key' });
export const socket = connectWebSocket('wss://a.example/');
export const sockets = listenWebSocket({ port: 0 });
export const suite = engineCompliance({ client: placeboEngine.client(), server: placeboEngine.server() });
declare const meter: Meter;
export const { observe, credentials } = connectionMetrics(meter, { role: 'client', attributes: { 'server.port': 443 } });
export const watched = watchFiles({ cert: 'tls.crt', key: 'tls.key' }, { events: credentials });
export const connection = connect({ host: 'a.example', port: 443 }).pipe(secure(nodeEngine.client({ serverName: 'a.example' }), { observe }));
`,
  );
  write(
    'dom-program.ts',
    `import { connectWebSocket } from '@rxtls/transport-websocket';
export const connection = connectWebSocket({ url: 'wss://a.example/', WebSocket });
`,
  );
  mkdirSync(join(folder, 'node_modules', '@opentelemetry'));
  const api = join(root, 'packages', 'opentelemetry', 'node_modules', '@opentelemetry', 'api');
  symlinkSync(realpathSync(api), join(folder, 'node_modules', '@opentelemetry', 'api'));
  const options = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    skipLibCheck: false,
  };
  const check = async (name: string, lib: string[], types: string[], files: string[]): Promise<void> => {
    write(`tsconfig.${name}.json`, JSON.stringify({ compilerOptions: { ...options, lib, types }, files }));
    // Every declaration file is checked. Without DOM and Node types RxJS's own do not compile (it names setTimeout): not ours.
    const errors = await execute(compiler, ['-p', `tsconfig.${name}.json`, '--pretty', 'false'], folder).then(
      () => [],
      (error: Error) => {
        const lines = error.message.split('\n').filter((line) => /^[^ ].*\(\d+,\d+\): error/.test(line));
        if (lines.length === 0) throw error; // the compiler did not run
        return lines;
      },
    );
    const ours = errors.filter((line) => !/^node_modules\/(?!@rxtls\/)/.test(line));
    t.same(ours, [], `${name}: ${lib.join()} and ${types.join() || 'no'} types`);
    t.comment(`${name}: ${errors.length} errors in declarations of others`);
  };
  await check('plain', ['es2022', 'esnext.disposable'], [], ['program.ts']);
  await check('dom', ['es2022', 'dom', 'esnext.disposable'], [], ['program.ts', 'dom-program.ts']);
  await check('node', ['es2022', 'esnext.disposable'], ['node'], ['program.ts', 'node-program.ts']);
});

await t.test('publint finds nothing in any tarball', async (t) => {
  const { publint } = await import('publint');
  const { formatMessage } = await import('publint/utils');
  for (const name of readdirSync(tarballs)) {
    const bytes = readFileSync(join(tarballs, name));
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    t.same(
      messages.map((message) => formatMessage(message, pkg, { color: false })),
      [],
      name,
    );
  }
});
