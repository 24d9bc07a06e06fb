import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Endpoint, endpoint } from './endpoint.ts';
import { mailbox } from './mailbox.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  /** Absent: a server on loopback, started for the occasion. */
  readonly connect: Endpoint | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
  readonly login: { readonly user: string; readonly password: string } | undefined;
  readonly from: string;
  readonly to: string;
  readonly stdin: boolean;
  /** Milliseconds the server may be silent. */
  readonly timeout: number;
}

export const helpText = `sends a mail by SMTP with STARTTLS, to a server of its own or to another

  --connect HOST:PORT   the server ([IPv6]:PORT too); needs --from and --to
  --ca FILE             trust the authorities in this PEM file alone (default: the runtime's roots)
  --server-name NAME    whom the certificate must be for (default: HOST)
  --user NAME           log in; the password is in the environment: SMTP_PASSWORD
  --from ADDRESS        whom the mail is from
  --to ADDRESS          whom it is for
  --stdin               the text comes on stdin, as fast as the server takes it
  --timeout MS          how long the server may be silent (default 30000)
  --help                this text

Exit codes: 0 the server took the mail; 1 it did not; 2 wrong arguments.
`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const options = {
  connect: text,
  ca: text,
  'server-name': text,
  user: text,
  from: text,
  to: text,
  timeout: text,
  stdin: flag,
  help: flag,
} as const;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const values = parsed(args);
  const { connect, ca, user, from, to, timeout = '30000' } = values;
  const help = values.help ?? false;
  const needless = (['ca', 'server-name', 'user'] as const).find((name) => values[name] !== undefined);
  if (!help && connect === undefined && needless !== undefined)
    throw new UsageError(`--${needless} needs --connect HOST:PORT`);
  if (!help && connect !== undefined && (from === undefined || to === undefined))
    throw new UsageError('--connect needs --from ADDRESS and --to ADDRESS');
  if (!/^[1-9]\d{0,6}$/.test(timeout))
    throw new UsageError(`--timeout ${JSON.stringify(timeout)}: a whole number of milliseconds from 1 to 9999999`);
  return {
    help,
    connect: connect === undefined ? undefined : endpoint(connect),
    ca: ca === undefined ? undefined : certificates(ca),
    serverName: values['server-name'],
    login: user === undefined ? undefined : { user, password: password(environment) },
    from: mailbox('--from', from ?? 'ada@client.example'),
    to: mailbox('--to', to ?? 'charles@mail.example'),
    stdin: values.stdin ?? false,
    timeout: Number(timeout),
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}

function certificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--ca ${JSON.stringify(file)}: the file cannot be read`, { cause: error });
  }
}

function password(environment: NodeJS.ProcessEnv): string {
  const password = environment['SMTP_PASSWORD'];
  if (password === undefined) throw new UsageError('--user needs the password in the environment: SMTP_PASSWORD');
  return password;
}
