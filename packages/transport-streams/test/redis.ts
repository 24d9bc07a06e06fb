// Debian's redis-server, on TLS alone.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { freePort, isInstalled, Program } from '../../../test/interop/program.ts';
import { credentials, host } from './ends.ts';

const program = 'redis-server';

export const redisMissing: string | undefined = isInstalled(program)
  ? undefined
  : 'skipped: redis-server is not installed';

const folder = mkdtempSync(join(tmpdir(), 'rxtls-redis-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const [cert, key] = (['cert', 'key'] as const).map((name) => {
  const path = join(folder, `${name}.pem`);
  writeFileSync(path, credentials[name], { mode: 0o600 });
  return path;
}) as [string, string];

/** Keeps nothing; `port` is one that it had before. */
export async function redis(t: Test, port?: number) {
  const tlsPort = port ?? (await freePort());
  const server = new Program(t, program, [
    ['--port', '0', '--tls-port', String(tlsPort), '--bind', host],
    ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-auth-clients', 'no'],
    ['--save', '', '--appendonly', 'no', '--dir', folder, '--maxmemory', '64mb'],
  ]);
  await server.says(/Ready to accept connections/);
  return {
    port: tlsPort,
    kill: async (): Promise<void> => {
      server.kill();
      await server.exited;
    },
  };
}
