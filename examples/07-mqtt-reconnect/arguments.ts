import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Endpoint, endpoint } from './endpoint.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  /** Absent: a broker on loopback, started for the occasion. */
  readonly connect: Endpoint | undefined;
  /** PEM. */
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
  readonly login: { readonly username: string; readonly password: string } | undefined;
  /** How many readings are published. */
  readonly count: number;
  /** Milliseconds between two of them. */
  readonly every: number;
  /** How often the broker is killed. */
  readonly kills: number;
  /** How often in a row a connection is tried again. */
  readonly attempts: number;
  /** Milliseconds without a reading after which it gives up. */
  readonly timeout: number;
}

export const helpText = `publishes readings by MQTT and reads them, whatever becomes of the broker on the way

  --connect HOST:PORT   the broker ([IPv6]:PORT too); absent: one of its own, which it kills and starts again
  --ca FILE             trust the authorities in this PEM file alone (default: the runtime's roots)
  --server-name NAME    whom the certificate must be for (default: HOST)
  --user NAME           log in; the password is in the environment: MQTT_PASSWORD
  --count N             how many readings (default 20)
  --every MS            the time between two of them (default 25)
  --kills N             how often its own broker is killed (default 2)
  --attempts N          how often in a row a connection is tried again (default 10)
  --timeout MS          gives up when no reading came for so long (default 30000)
  --help                this text

Exit codes: 0 every reading came; 1 not; 2 wrong arguments.
`;

const text = { type: 'string' } as const;
const options = {
  connect: text,
  ca: text,
  'server-name': text,
  user: text,
  count: text,
  every: text,
  kills: text,
  attempts: text,
  timeout: text,
  help: { type: 'boolean' },
} as const;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[], environment: NodeJS.ProcessEnv): Arguments {
  const values = parsed(args);
  const { connect, ca, user, kills, help = false } = values;
  const needless = (['ca', 'server-name', 'user'] as const).find((name) => values[name] !== undefined);
  if (!help && connect === undefined && needless !== undefined)
    throw new UsageError(`--${needless} needs --connect HOST:PORT`);
  if (connect !== undefined && kills !== undefined)
    throw new UsageError('--kills is for its own broker; leave it out with --connect');
  return {
    help,
    connect: connect === undefined ? undefined : endpoint(connect),
    ca: ca === undefined ? undefined : certificates(ca),
    serverName: values['server-name'],
    login: user === undefined ? undefined : { username: user, password: password(environment) },
    count: whole('--count', values.count ?? '20', 1),
    every: whole('--every', values.every ?? '25', 0),
    kills: connect === undefined ? whole('--kills', kills ?? '2', 0) : 0,
    attempts: whole('--attempts', values.attempts ?? '10', 0),
    timeout: whole('--timeout', values.timeout ?? '30000', 1),
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

function whole(option: string, value: string, least: number): number {
  if (/^\d{1,5}$/.test(value) && Number(value) >= least) return Number(value);
  throw new UsageError(`${option} ${JSON.stringify(value)}: a whole number from ${least} to 99999 is wanted`);
}

function certificates(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`--ca ${JSON.stringify(file)}: the file cannot be read`, { cause: error });
  }
}

function password(environment: NodeJS.ProcessEnv): string {
  const password = environment['MQTT_PASSWORD'];
  if (password === undefined) throw new UsageError('--user needs the password in the environment: MQTT_PASSWORD');
  return password;
}
