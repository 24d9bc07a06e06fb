// One program, run over every pair of engines: `echoed` is an application, and no line of it knows which engine it was given.
import { createHash, randomBytes } from 'node:crypto';
import { type NegotiatedParameters, secure, secureEach, use } from '@rxtls/core';
import { memoryPair } from '@rxtls/transport-memory';
import { ignoreElements, last, lastValueFrom, map, merge, type Observable, of, scan, takeWhile, timeout } from 'rxjs';
import { helpText, readArguments } from './arguments.ts';
import { type EnginePair, enginePairs, pairName } from './engine-pairs.ts';
import { UsageError } from './usage-error.ts';

interface Echo {
  readonly negotiated: NegotiatedParameters;
  readonly bytes: Uint8Array;
}

/** The example itself. A client sends `message`, the server sends back what it reads, and both close. */
function echoed({ client, server }: EnginePair, message: Uint8Array, tamper: boolean): Observable<Echo> {
  const [here, there] = memoryPair(tamper ? { bToA: { flip: [{ at: message.length / 2 }] } } : {});
  const echo = of(there).pipe(secureEach(server, (connection) => connection.writeFrom(connection.source)));
  const answer = of(here).pipe(
    secure(client),
    use((connection) =>
      merge(connection.plaintext, connection.writeFrom([message]).pipe(ignoreElements())).pipe(
        scan((all, bytes) => Buffer.concat([all, bytes]), Buffer.alloc(0)),
        takeWhile(({ length }) => length < message.length, true),
        last(),
        map((bytes) => ({ negotiated: connection.negotiated, bytes })),
      ),
    ),
  );
  return merge(echo.pipe(ignoreElements()), answer).pipe(timeout(20_000));
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const row = (...cells: readonly string[]): void => {
  const widths = [8, 8, 9, 30, 8];
  process.stdout.write(`${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('')}\n`);
};

/** Throws for the first pair that does not do what the others do. */
async function run(pairs: readonly EnginePair[], tamper: boolean): Promise<void> {
  row('client', 'server', 'version', 'cipher suite', 'bytes', 'sha-256');
  for (const pair of pairs) {
    const message = randomBytes(200_000);
    try {
      const { negotiated, bytes } = await lastValueFrom(echoed(pair, message, tamper));
      const isEqual = sha256(bytes) === sha256(message);
      const { client, server } = pair;
      const names = [client.capabilities.name, server.capabilities.name];
      row(...names, negotiated.version, negotiated.cipherSuite, `${bytes.length}`, isEqual ? 'equal' : 'DIFFERENT');
      if (!isEqual) throw new Error('what came back is not what was sent');
    } catch (error) {
      throw new Error(pairName(pair), { cause: error });
    }
  }
}

/** What failed, and why: a lost write is lost for a reason. */
const told = (error: unknown): string =>
  error instanceof Error ? [error.message, ...(error.cause ? [told(error.cause)] : [])].join(': ') : String(error);

try {
  const { help, only, tamper } = readArguments(process.argv.slice(2));
  if (help) process.stdout.write(helpText);
  else await run(await enginePairs(only), tamper);
} catch (error) {
  process.stderr.write(`error: ${error instanceof UsageError ? error.message : told(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
