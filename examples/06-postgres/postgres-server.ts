// A PostgreSQL that lives as long as this process at most: in a temporary folder, on loopback, without a Unix socket.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestCredentials } from '@rxtls/testing';
import { PostgresProcess } from './postgres-process.ts';
import { postgresPrograms } from './postgres-programs.ts';

export interface PostgresServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string;
  /** `fast` tells its clients, `immediate` cuts them off. Settles when it has ended and its folder is gone. */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

export interface PostgresServerOptions {
  /** What it shows; absent: it does no TLS. */
  readonly credentials?: TestCredentials;
  /** More of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

const user = 'postgres';
const host = '127.0.0.1';
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @throws Error where PostgreSQL is not installed, or does not start */
export async function startPostgres({ credentials, settings }: PostgresServerOptions = {}): Promise<PostgresServer> {
  const programs = postgresPrograms();
  const folder = mkdtempSync(join(tmpdir(), 'rxtls-postgres-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    const own = (path: string): string => {
      if (programs.runAs !== undefined) chownSync(path, programs.runAs.uid, programs.runAs.gid);
      return path;
    };
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text, { mode: 0o600 });
      return own(join(folder, name));
    };
    own(folder);
    const password = randomBytes(18).toString('base64url');
    const data = join(folder, 'data');
    const setUp = [
      '--pgdata',
      data,
      '--username',
      user,
      '--pwfile',
      file('password', password),
      '--auth',
      'scram-sha-256',
    ];
    const plain = ['--encoding', 'UTF8', '--no-locale', '--no-sync', '--no-instructions'];
    const initdb = new PostgresProcess(programs, folder, 'initdb', [...setUp, ...plain]);
    if ((await initdb.exited) !== 0) throw new Error(`initdb failed: ${initdb.lastLine}`);
    const port = await freePort();
    const only = credentials === undefined ? 'host' : 'hostssl'; // nobody gets in without TLS where there is TLS
    const all = {
      listen_addresses: host,
      port,
      unix_socket_directories: '',
      hba_file: file('hba.conf', `${only} all all ${host}/32 scram-sha-256\n`),
      shared_buffers: '16MB',
      fsync: 'off',
      ...(credentials !== undefined && {
        ssl: 'on',
        ssl_cert_file: file('server.crt', credentials.certificatePem),
        ssl_key_file: file('server.key', credentials.keyPem),
      }),
      ...settings,
    };
    const configured = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = new PostgresProcess(programs, folder, 'postgres', ['-D', data, ...configured]);
    const kill = (): void => {
      server.kill('SIGQUIT');
      remove();
    };
    const leave = (): void => process.exit(1); // so that 'exit' comes
    process.once('exit', kill);
    for (const signal of signals) process.on(signal, leave);
    const forget = (): void => {
      process.off('exit', kill);
      for (const signal of signals) process.off(signal, leave);
    };
    const stop = async (mode: 'fast' | 'immediate' = 'fast'): Promise<void> => {
      server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      await server.exited;
      forget();
      remove();
    };
    await server.says(/database system is ready to accept connections/).catch(async (error: unknown) => {
      await stop('immediate');
      throw error;
    });
    return { host, port, user, database: user, password, stop };
  } catch (error) {
    remove();
    throw error;
  }
}

/** PostgreSQL cannot be told to choose a port and say which. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
