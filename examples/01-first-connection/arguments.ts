import { parseArgs } from 'node:util';
import { type Endpoint, endpoint } from './endpoint.ts';
import { type Engine, engineNamed, engineNames } from './engines.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  /** Absent: the demonstration on loopback. */
  readonly connect: Endpoint | undefined;
  readonly engine: Engine;
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
  readonly alpn: readonly string[];
  readonly send: string | undefined;
  readonly stdin: boolean;
  /** Milliseconds of silence after which our side closes. */
  readonly wait: number;
  readonly quiet: boolean;
}

export const helpText = `npm start                                shows a connection to a server of its own
npm start -- --connect HOST:PORT [...]   connects to any TLS server ([IPv6]:PORT too)

  --engine NAME         the TLS engine: ${engineNames.join(', ')} (default node)
  --connect HOST:PORT   the server
  --ca FILE             trust the authorities in this PEM file alone (default: the runtime's roots)
  --server-name NAME    whom the certificate must be for (default: HOST)
  --alpn PROTOCOL       an application protocol to offer; may be repeated, or a list with commas
  --send TEXT           write TEXT, exactly as it stands
  --stdin               write what comes on stdin
  --wait MS             after the last write, close when the server was silent this long (default 1000)
  --quiet               no timeline: plaintext on stdout and nothing else
  --help                this text

With --connect, plaintext goes to stdout and the timeline to stderr; an error is one line on stderr.
Exit codes: 0 both sides closed cleanly; 1 reading or writing on this machine failed; 2 wrong arguments;
3 cannot connect; 4 certificate refused; 5 the connection was cut, or TLS failed.
`;

const single = ['engine', 'connect', 'ca', 'server-name', 'send', 'wait'] as const;
const flags = ['stdin', 'quiet', 'help'] as const;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const values = parsed(args);
  const one = (name: (typeof single)[number]): string | undefined => {
    const [value, ...more] = values[name] ?? [];
    if (more.length > 0) throw new UsageError(`--${name} is given more than once`);
    return value;
  };
  const flag = (name: (typeof flags)[number]): boolean => (values[name]?.length ?? 0) > 0;
  const [connect, ca, serverName, send] = [one('connect'), one('ca'), one('server-name'), one('send')];
  const engine = engineNamed(one('engine') ?? 'node');
  const alpn = (values['alpn'] ?? []).flatMap((list) => list.split(','));
  const stray = Object.keys(values).find((name) => !['help', 'connect', 'engine'].includes(name));
  if (connect === undefined && stray !== undefined && !flag('help'))
    throw new UsageError(`--${stray} needs --connect HOST:PORT`);
  if (send !== undefined && flag('stdin')) throw new UsageError('--send and --stdin exclude each other');
  if (alpn.length > 0 && !engine.hasAlpn) throw new UsageError(`--alpn: the engine ${one('engine')} has none`);
  if (alpn.some((protocol) => protocol === '')) throw new UsageError('--alpn: the name of a protocol is empty');
  return {
    help: flag('help'),
    connect: connect === undefined ? undefined : endpoint(connect),
    engine,
    ca,
    serverName,
    alpn,
    send,
    stdin: flag('stdin'),
    wait: milliseconds(one('wait') ?? '1000'),
    quiet: flag('quiet'),
  };
}

/** Every option as a list, so that none is overruled in silence. */
function parsed(args: readonly string[]): { readonly [name: string]: readonly string[] | undefined } {
  const text = { type: 'string', multiple: true } as const;
  const flag = { type: 'boolean', multiple: true } as const;
  const options = Object.fromEntries([
    ...[...single, 'alpn'].map((name) => [name, text] as const),
    ...flags.map((name) => [name, flag] as const),
  ]);
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true });
    return Object.fromEntries(Object.entries(values).map(([name, list]) => [name, [list].flat().map(String)]));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const [, option] = /^Option '(--\S+).*' argument is ambiguous/.exec(message) ?? [];
    if (option !== undefined)
      throw new UsageError(`${option} needs a value; one that begins with a dash is written ${option}=VALUE`);
    const [sentence = ''] = message.split(/\.\s|\n/);
    throw new UsageError(sentence.replace(/\.$/, ''));
  }
}

function milliseconds(text: string): number {
  if (/^\d{1,7}$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--wait ${JSON.stringify(text)}: a whole number of milliseconds from 1 to 9999999 is wanted`);
}
