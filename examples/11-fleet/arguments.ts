import { parseArgs } from 'node:util';
import { type EngineName, engines } from './engines.ts';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  readonly engine: EngineName;
  /** Milliseconds between one ticket key and the next. */
  readonly every: number;
  /** A Redis that runs already; absent: one of our own, which is killed in the end. */
  readonly redis: string | undefined;
}

export const helpText = `runs four workers behind one port, which share ticket keys through Redis, and counts who resumes whose sessions

  --engine node|tls13    the workers' engine (default node)
  --every SECONDS        from one key to the next: 1 to 60 (default 2)
  --redis URL            a Redis that runs already, as in redis://127.0.0.1:6379; without it redis-server is started
  --help                 this text

Exit codes: 0 all went as it should; 1 something did not; 2 wrong arguments.
`;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const { help = false, engine = 'node', every = '2', redis } = parsed(args);
  if (!Object.hasOwn(engines, engine))
    throw new UsageError(`--engine ${JSON.stringify(engine)}: it is ${Object.keys(engines).join(' or ')}`);
  const seconds = Number(every);
  if (!/^\d+$/.test(every) || seconds < 1 || seconds > 60)
    throw new UsageError(`--every ${JSON.stringify(every)}: it is a whole number of seconds from 1 to 60`);
  if (redis !== undefined && !/^rediss?:$/.test(URL.canParse(redis) ? new URL(redis).protocol : ''))
    throw new UsageError('--redis: it is an address such as redis://127.0.0.1:6379');
  return { help, engine: engine as EngineName, every: seconds * 1_000, redis };
}

function parsed(args: readonly string[]): { help?: boolean; engine?: string; every?: string; redis?: string } {
  const text = { type: 'string' } as const;
  try {
    const options = { help: { type: 'boolean' }, engine: text, every: text, redis: text } as const;
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}
