// An HTTPS client, twice over the same pipeline: HTTP by hand, and Node's own http that takes a connection for its socket.
import { secure, type TlsConnection, use } from '@rxtls/core';
import { connect } from '@rxtls/transport-tcp';
import { concat, concatMap, defer, finalize, from, lastValueFrom, map, type Observable, tap } from 'rxjs';
import { answeredWithin } from './answered-within.ts';
import { helpText, readArguments } from './arguments.ts';
import { ConnectionAgent } from './connection-agent.ts';
import { httpAnswer } from './http-answer.ts';
import { nodeAnswer } from './node-answer.ts';
import { type Target, targetOf } from './target.ts';
import { told } from './told.ts';
import { UsageError } from './usage-error.ts';

/** A verified connection for each subscriber. */
function connections({ endpoint, engine }: Target, print: (line: string) => void): Observable<TlsConnection> {
  let count = 0;
  return connect({ ...endpoint, connectTimeout: 10_000 }).pipe(
    secure(engine),
    tap(({ negotiated: { version, cipherSuite, alpnProtocol = 'no ALPN', resumed } }) =>
      print(
        `connection ${++count}: ${version}, ${cipherSuite}, ${alpnProtocol}, ${resumed ? 'resumed' : 'full handshake'}`,
      ),
    ),
  );
}

/** By hand: write the request, read one answer, close. */
function byHand(connections: Observable<TlsConnection>, { authority, pathsByHand }: Target, wait: number) {
  return from(pathsByHand).pipe(
    concatMap((path) => {
      const request = `GET ${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`;
      return connections.pipe(
        use((connection) => connection.exchange([Buffer.from(request)]).pipe(httpAnswer())),
        answeredWithin(wait),
        map(({ status, body, framing }) => `GET ${path}: ${status}, ${body.length} bytes (${framing})`),
      );
    }),
  );
}

/** By Node's http: its agent asks for connections as it needs them, and keeps them. */
function byAgent(connections: Observable<TlsConnection>, { authority, pathsByAgent }: Target, wait: number) {
  return defer(() => {
    const agent = new ConnectionAgent(connections);
    return from(pathsByAgent).pipe(
      concatMap((path) =>
        nodeAnswer({ agent, path, headers: { host: authority } }).pipe(
          answeredWithin(wait),
          map(({ status, body }) => `GET ${path}: ${status}, ${body.length} bytes`),
        ),
      ),
      finalize(() => agent.destroy()),
    );
  });
}

async function run(target: Target, wait: number): Promise<void> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const opened = connections(target, print);
  const section = (title: string, lines: Observable<string>) => defer(() => (print(title), lines));
  const all = concat(
    section('by hand', byHand(opened, target, wait)),
    section('by http.request', byAgent(opened, target, wait)),
  );
  await lastValueFrom(
    all.pipe(
      tap(print),
      finalize(() => target.stop()),
    ),
  );
}

try {
  const options = readArguments(process.argv.slice(2));
  if (options.help) process.stdout.write(helpText);
  else await run(await targetOf(options), options.wait);
} catch (error) {
  process.stderr.write(`error: ${told(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
