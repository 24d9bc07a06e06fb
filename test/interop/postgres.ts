import { secure } from '@rxtls/core';
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { postgresTls } from '@rxtls/starttls';
import { connect } from '@rxtls/transport-tcp';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { Pool, type PoolConfig } from 'pg';
import type { Test } from 'tap';
import { postgresPrograms } from '../../examples/06-postgres/postgres-programs.ts';
import { type PostgresServer, startPostgres } from '../../examples/06-postgres/postgres-server.ts';

/** Why tests against a real server are skipped, or nothing. */
export const postgresMissing: string | undefined = missing();

function missing(): string | undefined {
  try {
    postgresPrograms();
    return undefined;
  } catch (error) {
    return `skipped: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** A server of this test alone. */
export async function postgresServer(t: Test, options?: Parameters<typeof startPostgres>[0]): Promise<PostgresServer> {
  const server = await startPostgres(options);
  t.teardown(() => server.stop('immediate'));
  return server;
}

/** A pool whose clients connect through an engine of ours; what its idle clients fail with is in `errors`. */
export function poolOver(
  t: Test,
  { host, port, user, database, password }: PostgresServer,
  engine: TlsEngineFactory<'client'>,
  options: PoolConfig = {},
): Pool & { readonly errors: readonly Error[] } {
  const errors: Error[] = [];
  const stream = () => toNodeDuplex(connect({ host, port }).pipe(postgresTls(), secure(engine)));
  const login = { user, database, password, ssl: false, enableChannelBinding: true };
  const pool = new Pool({ ...login, ...options, stream });
  pool.on('error', (error) => errors.push(error));
  t.teardown(() => (pool.ended || pool.ending ? undefined : pool.end()));
  return Object.assign(pool, { errors });
}
