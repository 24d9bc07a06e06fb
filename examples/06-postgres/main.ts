// PostgreSQL's driver over rxtls: `pg` gets a stream that is TLS already, and sends neither SSLRequest nor anything in the clear.
import { type NegotiatedParameters, secure, TlsError } from '@rxtls/core';
import { nodeEngine } from '@rxtls/engine-node';
import { postgresTls } from '@rxtls/starttls';
import { toNodeDuplex } from '@rxtls/transport-streams/node';
import { connect } from '@rxtls/transport-tcp';
import { Client } from 'pg';
import { tap, timeout } from 'rxjs';
import { helpText, readArguments } from './arguments.ts';
import { type Database, otherDatabase, ownDatabase } from './database.ts';
import { rowsOf } from './rows-of.ts';
import { UsageError } from './usage-error.ts';

/** The example itself: a client of `pg`, to be connected and ended. */
function clientOf(at: Database, told: (negotiated: NegotiatedParameters) => void): Client {
  const { host, port, serverName, ca, login } = at;
  const engine = nodeEngine.client({ serverName, ...(ca !== undefined && { ca }) });
  const secured = connect({ host, port }).pipe(
    postgresTls(), // SSLRequest; whatever is not 'S' is an error
    secure(engine),
    timeout({ first: 10_000 }),
    tap(({ negotiated }) => told(negotiated)),
  );
  const client = new Client({
    ...login,
    stream: () => toNodeDuplex(secured), // subscribes, and so connects; for a Pool as well: once for each client
    ssl: false, // pg's own TLS
    enableChannelBinding: true, // the password's proof holds for this certificate alone
  });
  client.on('error', () => undefined); // the query that was waiting, or the next one, fails with it
  return client;
}

const queries: readonly (readonly [sql: string, ...values: readonly unknown[]])[] = [
  ['SELECT version, cipher, bits FROM pg_stat_ssl WHERE pid = pg_backend_pid()'],
  ['SELECT $1::int + $2::int AS sum', 19, 23],
  ["SELECT n, repeat('*', n) AS stars FROM generate_series(1, $1) AS n", 3],
];

async function run(at: Database, asked: typeof queries): Promise<void> {
  const client = clientOf(at, ({ version, cipherSuite, peer }) => {
    print('rxtls says');
    print(`  version=${version} cipher=${cipherSuite} certificate of ${at.serverName}: ${peer.verification}`);
  });
  try {
    await client.connect();
    for (const [sql, ...values] of asked) {
      print(sql);
      for (const row of await rowsOf(client, sql, values)) print(`  ${row}`);
    }
  } finally {
    await client.end();
  }
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** What failed, in one line; a lost write is lost for a reason. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const why = error instanceof TlsError && error.cause ? `: ${reason(error.cause)}` : '';
  return `${error.message}${why}`.replaceAll(/\s+/g, ' ');
}

try {
  const { help, elsewhere, query } = readArguments(process.argv.slice(2));
  if (help) process.stdout.write(helpText);
  else {
    const database = elsewhere === undefined ? await ownDatabase() : await otherDatabase(elsewhere);
    try {
      await run(database, query === undefined ? queries : [[query]]);
    } finally {
      await database.stop();
    }
  }
} catch (error) {
  process.stderr.write(`error: ${reason(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
