import { readFile } from 'node:fs/promises';
import { testPki } from '@rxtls/testing';
import type { Elsewhere } from './arguments.ts';
import { startPostgres } from './postgres-server.ts';
import { UsageError } from './usage-error.ts';

/** Where to connect, whom to trust, and how to log in. */
export interface Database {
  readonly host: string;
  readonly port: number;
  readonly serverName: string;
  /** Absent: the authorities that the runtime trusts. */
  readonly ca?: string | Uint8Array;
  readonly login: { readonly user: string; readonly database: string; readonly password: string | undefined };
  stop(): Promise<void>;
}

/** A server of our own, with a certificate of an authority that is thrown away with it. */
export async function ownDatabase(): Promise<Database> {
  const pki = await testPki();
  const server = await startPostgres({ credentials: await pki.leaf('ecdsa') });
  const { host, port, user, database, password } = server;
  const login = { user, database, password };
  return { host, port, serverName: 'localhost', ca: pki.authorityPem, login, stop: () => server.stop() };
}

/** The one that the arguments name. @throws UsageError */
export async function otherDatabase({ ca, user, database, ...place }: Elsewhere): Promise<Database> {
  return {
    ...place,
    ...(ca !== undefined && { ca: await authorities(ca) }),
    login: { user, database, password: process.env['PGPASSWORD'] },
    stop: async () => undefined,
  };
}

async function authorities(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new UsageError(`--ca ${JSON.stringify(file)}: it cannot be read`, { cause: error });
  }
}
