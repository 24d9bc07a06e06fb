import { parseArgs } from 'node:util';
import { engineNames, type EngineName, isEngineName } from './engines.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  readonly engine: EngineName;
  /** Absent: a free one, where the program asks itself and stops. */
  readonly port: number | undefined;
  readonly host: string;
  /** PEM files; absent: a certificate to throw away. */
  readonly files: { readonly cert: string; readonly key: string } | undefined;
  /** Where the authority of that certificate is written. */
  readonly authority: string | undefined;
  /** Milliseconds that open connections have to come to their end, once it is told to stop. */
  readonly grace: number;
}

export const helpText = `serves HTTPS: Node's http over connections of rxtls

  --port N           serves there until SIGTERM or SIGINT; without it, it asks itself and stops
  --host ADDRESS     the local address (default 127.0.0.1)
  --engine NAME      the TLS engine: ${engineNames.join(', ')} (default node)
  --cert FILE        the certificates as PEM, the server's own first, and
  --key FILE         its key; without them, one to throw away, for localhost
  --authority FILE   where the authority of the one to throw away is written
  --grace MS         what open connections have to come to their end when it stops (default 5000)
  --help             this text

Exit codes: 0 it served, and was told to stop; 1 it could not; 2 wrong arguments.
`;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const values = parsed(args);
  const { help = false, engine = 'node', port, host = '127.0.0.1', cert, key, authority, grace = '5000' } = values;
  if (!isEngineName(engine))
    throw new UsageError(
      `--engine ${JSON.stringify(engine)}: there is no such engine; there are ${engineNames.join(', ')}`,
    );
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key go together');
  if (cert !== undefined && authority !== undefined)
    throw new UsageError('--authority: with --cert there is no certificate to throw away');
  const stray = Object.entries({ host: values.host, cert, authority }).find(([, value]) => value !== undefined);
  if (port === undefined && stray !== undefined) throw new UsageError(`--${stray[0]} needs --port`);
  return {
    help,
    engine,
    port: port === undefined ? undefined : wholeNumber('--port', port, 65_535),
    host,
    files: cert === undefined || key === undefined ? undefined : { cert, key },
    authority,
    grace: wholeNumber('--grace', grace, 9_999_999),
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const files = { cert: text, key: text, authority: text } as const;
  const options = { help: { type: 'boolean' }, engine: text, port: text, host: text, grace: text, ...files } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}

function wholeNumber(option: string, text: string, most: number): number {
  if (/^\d{1,7}$/.test(text) && Number(text) <= most) return Number(text);
  throw new UsageError(`${option} ${JSON.stringify(text)}: a whole number from 0 to ${most} is wanted`);
}
