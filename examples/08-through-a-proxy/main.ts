// HTTPS through an HTTPS proxy: a TLS connection is a transport, so the pipeline of one layer is put behind that of another.
import { CertificateError, PeerIncompatibleError, secure, use } from '@rxtls/core';
import { httpConnect } from '@rxtls/starttls';
import { connect } from '@rxtls/transport-tcp';
import { lastValueFrom, tap } from 'rxjs';
import { answeredWithin } from './answered-within.ts';
import { type Arguments, helpText, readArguments } from './arguments.ts';
import { authorization } from './authorization.ts';
import { described } from './described.ts';
import { elsewhere } from './elsewhere.ts';
import type { Journey } from './journey.ts';
import { told } from './told.ts';
import { UsageError } from './usage-error.ts';
import { type WholeAnswer, wholeAnswer } from './whole-answer.ts';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** The example itself: the connection to the origin, inside of that to the proxy. */
function through({ proxy, outer, credentials, target, inner }: Journey, show: (line: string) => void) {
  return connect({ ...proxy, connectTimeout: 10_000 }).pipe(
    secure(outer), // the proxy has shown who it is before it is told a password,
    tap(({ negotiated }) => show(`proxy:  ${described(negotiated)}`)),
    httpConnect(target, { headers: authorization(credentials) }),
    secure(inner), // and cannot read what goes through it
    tap(({ negotiated }) => show(`origin: ${described(negotiated)}`)),
  );
}

/** Asks the origin, and gives its answer. */
function asked(journey: Journey, wait: number, show: (line: string) => void): Promise<WholeAnswer> {
  const request = `GET ${journey.path} HTTP/1.1\r\nHost: ${journey.target}\r\nConnection: close\r\n\r\n`;
  return lastValueFrom(
    through(journey, show).pipe(
      use((connection) => connection.exchange([Buffer.from(request)]).pipe(wholeAnswer())),
      answeredWithin(wait),
    ),
  );
}

async function arrives(journey: Journey, wait: number): Promise<void> {
  const { firstLine, bytes } = await asked(journey, wait, print);
  print(`GET ${journey.path}: ${firstLine}, ${bytes} bytes with its head`);
}

/** Fails where the journey arrives, or fails by anything else. */
async function isRefused(what: string, journey: Journey, wait: number): Promise<void> {
  try {
    await asked(journey, wait, () => undefined);
  } catch (error) {
    if (!(error instanceof PeerIncompatibleError || error instanceof CertificateError)) throw error;
    return print(`${what}: ${told(error)}`);
  }
  throw new Error(`${what} was not refused`);
}

async function run(options: Arguments): Promise<void> {
  const { there, engine, wait } = options;
  if (there !== undefined) return arrives(await elsewhere(options, there.proxy, there.origin), wait);
  // Here alone: going elsewhere makes no certificates.
  const { demonstration } = await import('./demonstration.ts');
  const shown = await demonstration(engine);
  try {
    await arrives(shown.journey, wait);
    print('refused');
    for (const [what, other] of Object.entries(shown.refused)) await isRefused(what, other, wait);
  } finally {
    shown.stop();
  }
}

try {
  const options = readArguments(process.argv.slice(2));
  if (options.help) process.stdout.write(helpText);
  else await run(options);
} catch (error) {
  process.stderr.write(`error: ${told(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
