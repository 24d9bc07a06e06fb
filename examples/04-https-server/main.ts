// An HTTPS server: connections of rxtls are given to Node's own http, and on SIGTERM everybody is seen off.
import { secureEach, type TlsEngineFactory } from '@rxtls/core';
import { type ListeningAddress, listen } from '@rxtls/transport-tcp';
import { delay, finalize, lastValueFrom, type Observable, Subject, takeUntil } from 'rxjs';
import { type Arguments, helpText, readArguments } from './arguments.ts';
import { credentialsOf } from './credentials.ts';
import { serverEngine } from './engines.ts';
import { GivenServer } from './given-server.ts';
import { stopSignal } from './stop-signal.ts';
import { told } from './told.ts';
import { UsageError } from './usage-error.ts';
import { webApplication } from './web-application.ts';

interface Setup {
  readonly options: Arguments;
  readonly engine: TlsEngineFactory<'server'>;
  readonly listening: (address: ListeningAddress) => void;
  readonly stop: Observable<unknown>;
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);

/** The example itself. It completes when it was told to stop and the last connection has ended. */
function served(web: GivenServer, { options, engine, listening, stop }: Setup): Observable<unknown> {
  const { port = 0, host, grace } = options;
  const failed = ({ error, info }: { error: unknown; info: { remote?: string } }): void =>
    print(`${info.remote} failed: ${told(error)}`);
  return listen({ port, host, listening, maxConnections: 1_000 }).pipe(
    takeUntil(stop), // nobody else is let in,
    finalize(() => web.retire()), // who is in leaves after the answer that is owed,
    secureEach(engine, (connection) => web.serve(connection), { failed }),
    takeUntil(stop.pipe(delay(grace))), // and who has not left by then is cut
  );
}

async function run(options: Arguments): Promise<void> {
  const credentials = await credentialsOf(options);
  const engine = serverEngine(options.engine, credentials);
  const tested = new Subject<string>();
  const stop = stopSignal(tested, (why) => print(`${why}: stopping`));
  const listening = ({ port }: ListeningAddress): void => {
    print(`listening on https://localhost:${port}/`);
    if (options.port !== undefined) return;
    const done = import('./self-test.ts').then(({ selfTest }) => selfTest(port, credentials.authority ?? '', print));
    done.then(
      () => tested.next('tested'),
      (error: unknown) => tested.error(error),
    );
  };
  const web = new GivenServer(webApplication);
  await lastValueFrom(served(web, { options, engine, listening, stop }), { defaultValue: undefined });
  print(`stopped: ${web.connections} connections served`);
}

try {
  const options = readArguments(process.argv.slice(2));
  if (options.help) process.stdout.write(helpText);
  else await run(options);
} catch (error) {
  process.stderr.write(`error: ${told(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
