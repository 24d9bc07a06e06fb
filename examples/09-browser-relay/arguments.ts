import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  readonly check: boolean;
  /** The page's; 0 takes a free one. */
  readonly port: number;
}

export const helpText = `a page that speaks TLS end to end through a relay that it does not trust, served until Ctrl-C

  --port PORT   the page's port (default: a free one)
  --check       opens the page in a headless Chromium, uses it, prints what it shows, and ends
  --help        this text

Exit codes: 0 ended by Ctrl-C, or the check passed; 1 it failed; 2 wrong arguments.
`;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  const values = parsed(args);
  const { port = '0' } = values;
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError(`--port ${JSON.stringify(port)}: a port is a whole number from 0 to 65535`);
  return { help: values.help ?? false, check: values.check ?? false, port: Number(port) };
}

function parsed(args: readonly string[]): { port?: string; check?: boolean; help?: boolean } {
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { port: { type: 'string' }, check: flag, help: flag },
      strict: true,
    }).values;
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}
