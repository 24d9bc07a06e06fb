// A page, a relay that it does not trust, and a server: what goes through the relay is a matter of the other two alone.
import { readArguments, helpText } from './arguments.ts';
import { check } from './check.ts';
import { demonstration } from './demonstration.ts';
import { UsageError } from './usage-error.ts';

/** Resolves at Ctrl-C. */
const interrupted = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });

try {
  const { help, check: isCheck, port } = readArguments(process.argv.slice(2));
  if (help) process.stdout.write(helpText);
  else {
    const running = await demonstration({ port });
    try {
      process.stdout.write(`the page    ${running.address}\n`);
      process.stdout.write(`its relay   ${running.relays.curious}\n`);
      if (isCheck) for await (const line of check(running)) process.stdout.write(`${line}\n`);
      else {
        process.stdout.write('Ctrl-C ends it\n');
        await interrupted();
      }
    } finally {
      running.stop();
    }
  }
} catch (error) {
  process.stderr.write(`error: ${(error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ')}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
