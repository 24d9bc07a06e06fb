import { spawnSync } from 'node:child_process';
import type { TestLeafName } from '@rxtls/testing';
import type { Test } from 'tap';
import { host } from './ends.ts';
import { authorityFile, leafFiles } from './files.ts';
import { Program } from './program.ts';

// A Node whose OpenSSL (3.5) speaks X25519MLKEM768, by npm: its program is started itself, so that it can be ended.
const found = spawnSync('npx', ['--yes', '--prefer-offline', 'node@24.21.0', '-p', 'process.execPath'], {
  encoding: 'utf8',
  timeout: 60_000,
});
const path = found.status === 0 ? found.stdout.trim().split('\n').at(-1) : undefined;
export const node24Missing: string | undefined =
  path === undefined ? 'skipped: npx cannot get node@24.21.0' : undefined;

const run = (t: Test, script: string, settings: object): Program =>
  new Program(t, path ?? 'node', ['--input-type=module', '-e', script, JSON.stringify(settings)]);

const preamble = `
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
const { cert, key, ca, groups, host, port, session } = JSON.parse(process.argv.at(-1));
`;

/** An echo server with these groups alone. */
export async function node24Echo(t: Test, leaf: TestLeafName, groups: string): Promise<number> {
  const { chain, key } = await leafFiles(leaf);
  const script = `${preamble}
const options = { cert: readFileSync(cert), key: readFileSync(key), minVersion: 'TLSv1.3', ecdhCurve: groups };
const server = tls.createServer(options, (socket) => void socket.on('error', () => {}).pipe(socket));
server.on('tlsClientError', (error) => console.log(error.code));
server.listen(0, host, () => console.log('port', server.address().port));`;
  const program = run(t, script, { cert: chain, key, groups, host });
  return Number((await program.says(/port (\d+)/))[1]);
}

/** Connects twice with these groups alone, the second time with the session of the first; sends `length` bytes of 'n' and says what it got. */
export function node24Client(t: Test, port: number, groups: string, length: number): Program {
  const script = `${preamble}
import { createHash } from 'node:crypto';
const once = (session) => new Promise((resolve) => {
  const options = { host, port, servername: 'localhost', ca: readFileSync(ca), minVersion: 'TLSv1.3', ecdhCurve: groups };
  const socket = tls.connect({ ...options, ...(session && { session }) });
  const hash = createHash('sha256');
  let last;
  socket.on('session', (ticket) => { last = ticket; });
  socket.on('error', (error) => { console.log('error', error.code); resolve(undefined); });
  socket.on('data', (bytes) => hash.update(bytes));
  socket.on('end', () => {
    console.log('resumed', socket.isSessionReused(), hash.digest('hex'));
    resolve(last);
  });
  socket.end(Buffer.alloc(${length}, 'n'));
});
const ticket = await once();
if (ticket) await once(ticket);`;
  return run(t, script, { ca: authorityFile, groups, host, port });
}
