// A server of `secureEach` on a port of this machine, and plain `node:tls` clients that show whatever session they are told to.
import type { SecureContextOptions } from 'node:tls';
import { connect as tlsConnect } from 'node:tls';
import {
  type ConnectionFailure,
  type EngineSource,
  secureEach,
  type SecureEachOptions,
  type TlsConnection,
} from '@rxtls/core';
import { type ListeningAddress, listen } from '@rxtls/transport-tcp';
import { firstValueFrom, type ObservableInput, ReplaySubject } from 'rxjs';
import type { Test } from 'tap';
import type { ServerKit } from './kits.ts';

export const host = '127.0.0.1';

export interface Listening {
  readonly port: number;
  readonly connections: TlsConnection[];
  readonly failures: ConnectionFailure[];
}

/** An echo, unless another project is given. */
export async function listening(
  t: Test,
  engine: EngineSource<'server'>,
  options: SecureEachOptions = {},
  project: (connection: TlsConnection) => ObservableInput<unknown> = (connection) =>
    connection.writeFrom(connection.source),
): Promise<Listening> {
  const address = new ReplaySubject<ListeningAddress>(1);
  const connections: TlsConnection[] = [];
  const failures: ConnectionFailure[] = [];
  const serving = listen({ port: 0, host, listening: (at) => address.next(at) })
    .pipe(
      secureEach(
        engine,
        (connection) => {
          connections.push(connection);
          return project(connection);
        },
        { ...options, failed: (failure) => failures.push(failure) },
      ),
    )
    .subscribe({ error: (error: unknown) => address.error(error) });
  t.teardown(() => serving.unsubscribe());
  const { port } = await firstValueFrom(address);
  return { port, connections, failures };
}

/** What a visitor saw. */
export interface Visit {
  readonly resumed: boolean;
  /** To be shown at the next visit. */
  readonly session: Buffer | undefined;
  readonly error: string | undefined;
}

export interface Visitor extends SecureContextOptions {
  readonly servername?: string;
  readonly session?: Buffer | undefined;
}

/** Connects as `node:tls` does, says a word, hears it again, and closes. */
export function visit({ port }: Listening, kit: ServerKit, visitor: Visitor = {}): Promise<Visit> {
  const { session: shown, ...own } = visitor;
  return new Promise((resolve) => {
    let session: Buffer | undefined;
    let error: string | undefined;
    let isReused = false;
    const socket = tlsConnect({
      host,
      port,
      servername: 'localhost',
      ca: kit.pki.authorityPem,
      rejectUnauthorized: false, // names are not what is tested
      ...(kit.name === 'forge' ? { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'AES128-SHA:@SECLEVEL=0' } : {}),
      ...own,
      ...(shown === undefined ? {} : { session: shown }),
    });
    const timer = setTimeout(() => socket.destroy(new Error('no answer within 30 s')), 30_000);
    socket.on('session', (ticket) => (session = ticket));
    socket.on('secureConnect', () => {
      isReused = socket.isSessionReused();
      session ??= socket.getSession();
      socket.write('word');
    });
    socket.on('data', () => {
      if (kit.name === 'forge') session = socket.getSession() ?? session;
      socket.end();
    });
    socket.on('error', (cause: NodeJS.ErrnoException) => (error = cause.code ?? cause.message));
    socket.on('close', () => {
      clearTimeout(timer);
      resolve({ resumed: isReused, session, error });
    });
  });
}
