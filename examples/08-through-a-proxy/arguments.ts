import { parseArgs } from 'node:util';
import { engineNames, type EngineName, isEngineName } from './engines.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  /** Of both layers. */
  readonly engine: EngineName;
  /** Absent: the demonstration on loopback. */
  readonly there: { readonly proxy: URL; readonly origin: URL } | undefined;
  /** PEM files; absent: the runtime's roots. */
  readonly proxyCa: string | undefined;
  readonly ca: string | undefined;
  /** Milliseconds until the answer has to be whole. */
  readonly wait: number;
}

export const helpText = `asks an HTTPS server through an HTTPS proxy: TLS in TLS

  --engine NAME     the TLS engine of both layers: ${engineNames.join(', ')} (default node)
  --proxy URL       another proxy than its own: https://HOST:PORT
  --url URL         with --proxy: whom to ask through it: https://HOST:PORT/PATH
  --proxy-ca FILE   with --proxy: the authorities to trust for the proxy, as PEM (default: the runtime's roots)
  --ca FILE         with --proxy: those for the server
  --wait MS         how long all of it may take until the answer is whole (default 10000)
  --help            this text

With --proxy, PROXY_CREDENTIALS=USER:PASSWORD in the environment is what the proxy is told.
Exit codes: 0 everything went as it should; 1 it did not; 2 wrong arguments.
`;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { help = false, engine = 'node', proxy, url, ca, wait = '10000', 'proxy-ca': proxyCa } = parsed(args);
  if (!isEngineName(engine))
    throw new UsageError(
      `--engine ${JSON.stringify(engine)}: there is no such engine; there are ${engineNames.join(', ')}`,
    );
  if ((proxy === undefined) !== (url === undefined)) throw new UsageError('--proxy and --url go together');
  if (proxy === undefined && (ca !== undefined || proxyCa !== undefined))
    throw new UsageError('--proxy-ca and --ca need --proxy and --url');
  if (!/^[1-9]\d{0,6}$/.test(wait))
    throw new UsageError(`--wait ${JSON.stringify(wait)}: a whole number of milliseconds from 1 to 9999999 is wanted`);
  const there =
    proxy === undefined || url === undefined
      ? undefined
      : { proxy: httpsUrl('--proxy', proxy), origin: httpsUrl('--url', url) };
  return { help, engine, there, proxyCa, ca, wait: Number(wait) };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const files = { ca: text, 'proxy-ca': text } as const;
  const options = { help: { type: 'boolean' }, engine: text, proxy: text, url: text, wait: text, ...files } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}

function httpsUrl(option: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:') throw new UsageError(`${option}: https://HOST:PORT is wanted`);
  // Whoever lists the processes of this machine would read them.
  if (url.username !== '' || url.password !== '')
    throw new UsageError(`${option}: a user and a password stand in PROXY_CREDENTIALS, never on the command line`);
  return url;
}
