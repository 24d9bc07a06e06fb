// A TLS terminator: clients speak TLS to it, it speaks plain TCP to the backend of the name and protocol that they ask for.
import { drain, liveEngine, rotatingTicketKeys, secureEach } from '@rxtls/core';
import { connect, listen } from '@rxtls/transport-tcp';
import { combineLatest, first, map, merge, type Observable, shareReplay, switchMap, throwError, timeout } from 'rxjs';
import { helpText, readArguments, type Settings } from './arguments.ts';
import { watched } from './certificates.ts';
import { engines } from './engines.ts';
import { operate, type Surroundings } from './operate.ts';
import { passed } from './passed.ts';
import { backendOf, routed } from './routes.ts';
import { type Moved, seenOff } from './seen-off.ts';
import { told } from './told.ts';
import { UsageError } from './usage-error.ts';

const halfDay = 12 * 3_600_000;

/** The example itself. It completes when it was told to stop and the last connection has ended. */
function terminator(settings: Settings, { news, observing, stop, listening }: Surroundings): Observable<unknown> {
  const { engine, host, port, routes, certificates, deadline, quiet, idle } = settings;
  const configuration = combineLatest({
    credentials: watched(certificates, news.files),
    ticketKeys: rotatingTicketKeys({ every: halfDay }),
  });
  const live = liveEngine(configuration, (latest) => routed(routes, engines[engine], latest), {
    events: news.credentials,
  }).pipe(shareReplay({ bufferSize: 1, refCount: true }));

  const silent = () => throwError(() => new Error(`nobody said anything for ${idle} ms`));
  const served = listen({ host, port, listening, maxConnections: 10_000 }).pipe(
    secureEach(
      live,
      (client) =>
        connect({ ...backendOf(routes, client.negotiated), connectTimeout: 5_000 }).pipe(
          switchMap((backend) =>
            merge(
              passed(client, backend).pipe(map((): Moved => 'asked')),
              passed(backend, client).pipe(map((): Moved => 'answered')),
            ).pipe(seenOff(client, stop, quiet)),
          ),
          timeout({ each: idle, with: silent }),
        ),
      {
        halfOpen: true, // who has said all may still listen
        drain: drain(stop, { deadline, quiet: deadline, drained: news.drained }), // seenOff knows better who is done
        failed: news.failed,
        ...observing,
      },
    ),
  );
  return live.pipe(
    first(), // nobody is let in before there are certificates
    switchMap(() => served),
  );
}

try {
  const read = readArguments(process.argv.slice(2));
  if (read.help) process.stdout.write(helpText);
  else await operate(read, terminator);
} catch (error) {
  process.stderr.write(`error: ${error instanceof UsageError ? error.message : told(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
