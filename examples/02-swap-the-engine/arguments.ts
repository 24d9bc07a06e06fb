import { parseArgs } from 'node:util';
import { UsageError } from './usage-error.ts';

/** The command line after reading. */
export interface Arguments {
  readonly help: boolean;
  /** The name of one pair; absent: all of them. */
  readonly only: string | undefined;
  readonly tamper: boolean;
}

export const helpText = `runs one program over each pair of TLS engines and prints what they agreed on

  --only CLIENT-SERVER   this pair alone, as in forge-node
  --tamper               flips a bit on the way: every engine has to notice
  --help                 this text

Exit codes: 0 every pair did what it should; 1 one did not; 2 wrong arguments.
`;

/** Reads the command line. @throws UsageError */
export function readArguments(args: readonly string[]): Arguments {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { help: { type: 'boolean' }, only: { type: 'string' }, tamper: { type: 'boolean' } },
      strict: true,
    });
    return { help: values.help ?? false, only: values.only, tamper: values.tamper ?? false };
  } catch (error) {
    const [sentence = ''] = (error instanceof Error ? error.message : String(error)).split(/\.\s|\n/);
    throw new UsageError(`${sentence.replace(/\.$/, '')} (--help shows the options)`, { cause: error });
  }
}
