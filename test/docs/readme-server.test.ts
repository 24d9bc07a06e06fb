// The README's server whose configuration lives, run as it stands there: its files, its names, its client authentication, its end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as moment } from 'node:timers/promises';
import { connect, type ConnectionOptions } from 'node:tls';
import { testPki } from '@rxtls/testing';
import t, { type Test } from 'tap';
import { cleanEnvironment } from '../examples/run-example.ts';
import { fencedBlocks } from './blocks.ts';

t.setTimeout(60_000);

/** Inside test/, so that the packages are found as any user of them finds them. */
const folder = mkdtempSync(join(import.meta.dirname, '.readme-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const pki = await testPki();

async function renew(name: string, names: readonly string[]): Promise<void> {
  const { certificatePem, keyPem } = await pki.issue({ names });
  writeFileSync(join(folder, `${name}.crt`), certificatePem);
  writeFileSync(join(folder, `${name}.key`), keyPem);
}

interface Visit {
  readonly names?: string | undefined;
  readonly echo?: string;
  readonly error?: string;
}

function visit(port: number, options: ConnectionOptions): Promise<Visit> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, ca: pki.authorityPem, ...options });
    socket.on('secureConnect', () => socket.write('hello'));
    socket.on('data', (bytes) => {
      const names = socket.getPeerX509Certificate()?.subjectAltName;
      socket.end();
      resolve({ names, echo: bytes.toString() });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code ?? error.message }));
  });
}

/** The README's program in the folder, listening; and what it writes to stderr. */
async function started(t: Test) {
  const block = fencedBlocks('README.md').find(({ code }) => code.includes('rotatingTicketKeys'));
  const listening = "{ port: 0, host: '127.0.0.1', listening: ({ port }) => console.log(`port ${port}`) }";
  const code = block!.code.replace('{ port: 8443 }', listening);
  t.not(code, block!.code);
  const meter = "import { metrics as api } from '@opentelemetry/api';\nconst meter = api.getMeter('readme');\n";
  writeFileSync(join(folder, 'server.ts'), meter + code);

  const loader = ['--conditions=rxtls:source', '--import', '@oxc-node/core/register'];
  const server = spawn(process.execPath, [...loader, 'server.ts'], {
    cwd: folder,
    env: cleanEnvironment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(server, 'exit');
  t.teardown(() => server.kill('SIGKILL'));
  let told = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
  const [said] = (await once(server.stdout, 'data')) as [Buffer];
  const port = Number(/^port (\d+)$/m.exec(said.toString())?.[1]);
  return { server, exited, port, told: () => told };
}

async function files(): Promise<void> {
  await renew('shop', ['shop.example']);
  await renew('api', ['*.api.example']);
  writeFileSync(join(folder, 'clients.crt'), pki.authorityPem);
}

t.test('without files for ten seconds it says so, and serves nobody, later ones neither', async (t) => {
  const { port, told } = await started(t);
  await moment(10_500);
  t.match(told(), /type: 'rejected',\s+fault: 'missing'/);
  await files();
  await moment(2_000);
  t.match(await visit(port, { servername: 'shop.example' }), { error: /./ });
  t.notMatch(told(), /type: 'loaded'/);
});

t.test('the server of the README serves, follows its files, refuses, and ends', async (t) => {
  await files();
  const { server, exited, port, told } = await started(t);

  const shop = { servername: 'shop.example' };
  t.same(await visit(port, shop), { names: 'DNS:shop.example', echo: 'hello' });
  const api = { servername: 'v1.api.example', ALPNProtocols: ['h2'] };
  const { certificatePem, keyPem } = await pki.leaf('client');
  const known = await visit(port, { ...api, cert: certificatePem, key: keyPem });
  t.same(known, { names: 'DNS:*.api.example', echo: 'hello' });
  t.match(await visit(port, api), { error: 'ECONNRESET' }, 'nodeEngine cannot choose the alert, and cuts');
  t.match(await visit(port, { ...api, ALPNProtocols: ['spdy/3'] }), { error: /NO_APPLICATION_PROTOCOL/ });
  t.match(await visit(port, { servername: 'other.example' }), { error: /UNRECOGNIZED_NAME/ });

  await renew('shop', ['shop.example', 'www.shop.example']);
  let renewed = await visit(port, shop);
  for (let tries = 0; tries < 100 && !renewed.names?.includes('www'); tries++) renewed = await visit(port, shop);
  t.same(renewed, { names: 'DNS:shop.example, DNS:www.shop.example', echo: 'hello' });

  writeFileSync(join(folder, 'shop.key'), keyPem);
  for (let tries = 0; tries < 200 && !/type: 'rejected'/.test(told()); tries++) await moment(100);
  t.match(told(), /type: 'rejected',\s+fault: 'mismatch'/, 'a key of another certificate is told');
  t.notMatch(told(), /PRIVATE KEY/);
  t.same(await visit(port, shop), renewed, 'and changes nothing');

  server.kill('SIGTERM');
  t.same(await exited, [0, null]);
});
