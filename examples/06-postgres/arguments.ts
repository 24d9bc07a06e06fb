import { parseArgs } from 'node:util';
import { endpoint, type Endpoint } from './endpoint.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  /** Absent: a server of our own. */
  readonly elsewhere: Elsewhere | undefined;
  /** Absent: those of the example. */
  readonly query: string | undefined;
}

export interface Elsewhere extends Endpoint {
  /** Whom its certificate must be for. */
  readonly serverName: string;
  readonly user: string;
  readonly database: string;
  /** A file of PEM; absent: the authorities that the runtime trusts. */
  readonly ca: string | undefined;
}

export const helpText = `queries PostgreSQL over rxtls, and prints what both sides say of their connection

  --connect HOST:PORT    another server than the one that is started here
    --user NAME          as whom; the password is in the environment, PGPASSWORD
    --database NAME      default: as the user
    --ca FILE            whom to trust, PEM; default: the authorities that Node trusts
    --server-name NAME   whom the certificate must be for; default: HOST
  --query SQL            this, and not the queries of the example
  --help                 this text

Exit codes: 0 everything was answered; 1 something failed; 2 wrong arguments.
`;

const text = { type: 'string' } as const;
const options = {
  help: { type: 'boolean' },
  connect: text,
  user: text,
  database: text,
  ca: text,
  'server-name': text,
  query: text,
} as const;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { help = false, query, connect, ...rest } = parsed(args);
  if (query === '') throw new UsageError('--query has no SQL (--help shows the options)');
  if (connect === undefined) {
    const [alone] = Object.keys(rest);
    if (alone !== undefined) throw new UsageError(`--${alone} needs --connect HOST:PORT (--help shows the options)`);
    return { help, elsewhere: undefined, query };
  }
  const { user, database = user, ca, 'server-name': serverName } = rest;
  if (!user || !database) throw new UsageError('--connect needs --user NAME (--help shows the options)');
  const at = endpoint(connect);
  return { help, elsewhere: { ...at, serverName: serverName ?? at.host, user, database, ca }, query };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}
