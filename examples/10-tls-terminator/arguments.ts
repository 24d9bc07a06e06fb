import { parseArgs } from 'node:util';
import { hostName } from '@rxtls/core/engine';
import type { Credentials } from './certificates.ts';
import { type EngineName, engines } from './engines.ts';
import { patternFor, type Route } from './routes.ts';
import { UsageError } from './usage-error.ts';

/** What a terminator is to do. */
export interface Settings {
  readonly engine: EngineName;
  readonly host: string;
  /** 0 takes a free one, here and for the metrics. */
  readonly port: number;
  readonly routes: readonly Route[];
  /** The files, by the name, or the `*.name`, that they are for. */
  readonly certificates: Readonly<Record<string, Credentials>>;
  readonly metrics: number | undefined;
  /** Milliseconds: until who is still there is cut, until who says nothing is half-closed, once it was told to stop. */
  readonly deadline: number;
  readonly quiet: number;
  /** Milliseconds without a byte in either direction that end a connection. */
  readonly idle: number;
}

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  readonly engine: EngineName;
  /** Absent: it shows itself. */
  readonly settings: Settings | undefined;
}

export const helpText = `terminates TLS: routes by server name and ALPN to plain TCP backends

  --listen PORT                   serves there until SIGTERM or SIGINT; without it, it shows itself and stops
  --host ADDRESS                  the local address (default 127.0.0.1)
  --route NAME[/ALPN]=HOST:PORT   where who asks for that name, and speaks that protocol, is passed on to; NAME may be
                                  *.example.org; without /ALPN: who offers no protocol, or anybody where the name has no
                                  route with one. Again for each route
  --certificate NAME=CERT,KEY     PEM files, for a route's name or the *.name above it; followed as they are renewed
  --metrics PORT                  serves http://127.0.0.1:PORT/metrics for Prometheus
  --engine node|tls13             the TLS engine (default node)
  --deadline MS                   once told to stop: when who is still there is cut (default 10000)
  --quiet MS                      once told to stop: who says nothing for so long is half-closed (default 1000)
  --idle MS                       a connection without a byte either way for so long ends (default 600000)
  --help                          this text

Exit codes: 0 it served, and was told to stop; 1 it could not; 2 wrong arguments.
`;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { help = false, engine = 'node', ...values } = parsed(args);
  if (!Object.hasOwn(engines, engine))
    throw new UsageError(`--engine ${JSON.stringify(engine)}: it is ${Object.keys(engines).join(' or ')}`);
  const name = engine as EngineName;
  if (values.listen !== undefined) return { help, engine: name, settings: settings(name, values) };
  const [stray] = Object.entries(values).find(([, value]) => value !== undefined) ?? [];
  if (stray !== undefined) throw new UsageError(`--${stray} needs --listen`);
  return { help, engine: name, settings: undefined };
}

function settings(engine: EngineName, values: ReturnType<typeof parsed>): Settings {
  const { listen = '', host = '127.0.0.1', metrics, deadline = '10000', quiet = '1000', idle = '600000' } = values;
  const routes = (values.route ?? []).map(routeOf);
  const files = (values.certificate ?? []).map(certificateOf);
  const [twice] = repeated(routes.map(({ name, alpn }) => (alpn === undefined ? name : `${name}/${alpn}`)));
  if (twice !== undefined) throw new UsageError(`--route ${twice} is given twice`);
  const [again] = repeated(files.map(([name]) => name));
  if (again !== undefined) throw new UsageError(`--certificate ${again} is given twice`);
  if (routes.length === 0) throw new UsageError('--listen needs a --route at least');
  const certificates = Object.fromEntries(files);
  const used = routes.map(({ name }) => patternFor(name, Object.keys(certificates)));
  const bare = used.indexOf(undefined);
  if (bare >= 0)
    throw new UsageError(`--route ${routes[bare]?.name} needs a --certificate ${routes[bare]?.name}=CERT,KEY`);
  const spare = Object.keys(certificates).find((name) => !used.includes(name));
  if (spare !== undefined) throw new UsageError(`--certificate ${spare}: no --route is for that name`);
  return {
    engine,
    host,
    port: whole('--listen', listen, 65_535),
    routes,
    certificates,
    metrics: metrics === undefined ? undefined : whole('--metrics', metrics, 65_535),
    deadline: whole('--deadline', deadline, 9_999_999),
    quiet: whole('--quiet', quiet, 9_999_999),
    idle: whole('--idle', idle, 99_999_999),
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const list = { type: 'string', multiple: true } as const;
  const times = { deadline: text, quiet: text, idle: text } as const;
  const where = { listen: text, host: text, route: list, certificate: list, metrics: text } as const;
  const options = { help: { type: 'boolean' }, engine: text, ...where, ...times } as const;
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}

const namePattern = String.raw`(?:\*\.)?[a-z\d-]+(?:\.[a-z\d-]+)*`;
const routeShape = new RegExp(
  `^(${namePattern})(?:/([\\x21-\\x3c\\x3e-\\x7e]{1,255}))?=(?:\\[([\\da-f:.]+)\\]|([^:=]+)):([1-9]\\d*)$`,
  'i',
);
const certificateShape = new RegExp(`^(${namePattern})=([^,]+),([^,]+)$`, 'i');

function routeOf(text: string): Route {
  const [, name, alpn, ip, host = ip, port] = routeShape.exec(text) ?? [];
  if (name === undefined || host === undefined || port === undefined)
    throw new UsageError(
      `--route ${JSON.stringify(text)}: one such as app.example=127.0.0.1:9001 or *.app.example/h2=[::1]:9002 is wanted`,
    );
  // Or nobody could ask for it, and there would be nothing to serve.
  if (hostName(name.replace(/^\*\./, '')) === undefined)
    throw new UsageError(
      `--route ${name}: a host's name is wanted before the =, no address: clients ask for nothing else`,
    );
  const backend = { host, port: whole(`--route ${name}`, port, 65_535) };
  return { name: name.toLowerCase(), ...(alpn !== undefined && { alpn }), backend };
}

function certificateOf(text: string): readonly [string, Credentials] {
  const [, name, cert, key] = certificateShape.exec(text) ?? [];
  if (name === undefined || cert === undefined || key === undefined)
    throw new UsageError(`--certificate ${JSON.stringify(text)}: one such as app.example=cert.pem,key.pem is wanted`);
  return [name.toLowerCase(), { cert, key }];
}

const repeated = (names: readonly string[]): readonly string[] => names.filter((name, at) => names.indexOf(name) < at);

function whole(option: string, text: string, most: number): number {
  if (/^\d{1,8}$/.test(text) && Number(text) <= most) return Number(text);
  throw new UsageError(`${option} ${JSON.stringify(text)}: a whole number from 0 to ${most} is wanted`);
}
