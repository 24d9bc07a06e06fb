import { parseArgs } from 'node:util';
import { engineNames, type EngineName, isEngineName } from './engines.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  readonly engine: EngineName;
  /** Absent: the demonstration on loopback. */
  readonly url: URL | undefined;
  /** A PEM file; absent: the runtime's roots. */
  readonly ca: string | undefined;
  /** Milliseconds until an answer has to be whole. */
  readonly wait: number;
}

export const helpText = `asks an HTTPS server by hand, and by Node's http over connections of rxtls

  --engine NAME   the TLS engine: ${engineNames.join(', ')} (default node)
  --url URL       another server than its own: https://HOST:PORT/PATH
  --ca FILE       with --url: trust the authorities in this PEM file alone (default: the runtime's roots)
  --wait MS       how long an answer may take until it is whole (default 10000)
  --help          this text

Exit codes: 0 every request was answered; 1 one was not; 2 wrong arguments.
`;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { help = false, engine = 'node', url, ca, wait = '10000' } = parsed(args);
  if (!isEngineName(engine))
    throw new UsageError(
      `--engine ${JSON.stringify(engine)}: there is no such engine; there are ${engineNames.join(', ')}`,
    );
  if (ca !== undefined && url === undefined) throw new UsageError('--ca needs --url');
  if (!/^[1-9]\d{0,6}$/.test(wait))
    throw new UsageError(`--wait ${JSON.stringify(wait)}: a whole number of milliseconds from 1 to 9999999 is wanted`);
  return { help, engine, url: url === undefined ? undefined : httpsUrl(url), ca, wait: Number(wait) };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const options = { help: { type: 'boolean' }, engine: text, url: text, ca: text, wait: text } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}

function httpsUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') throw new UsageError('--url: https://HOST:PORT/PATH is wanted');
  if (url.username !== '' || url.password !== '') throw new UsageError('--url: a user and a password are not for it');
  return url;
}
