// A server on loopback whose engine follows files, clients of it, and a wire that holds a handshake in the middle.
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type ByteDuplex,
  type CredentialEvent,
  type EngineSource,
  liveEngine,
  secure,
  secureEach,
  type TlsConnection,
  type TlsEngineFactory,
  type TlsVersion,
} from '@rxtls/core';
import { type WatchedFiles, watchFiles, type WatchFilesEvent, type WatchFilesOptions } from '@rxtls/credentials';
import { nodeEngine } from '@rxtls/engine-node';
import { tls13Engine } from '@rxtls/engine-tls13/node';
import { testPki } from '@rxtls/testing';
import { connect, listen, type ListeningAddress } from '@rxtls/transport-tcp';
import { map, type Observable, ReplaySubject } from 'rxjs';
import type { Test } from 'tap';

export const pki = await testPki();
const trust = { serverName: 'localhost', ca: pki.authorityPem, sessions: 'none' } as const;

export interface Engines {
  readonly client: TlsEngineFactory<'client'>;
  server(credentials: { readonly cert: string; readonly key: string }): TlsEngineFactory<'server'>;
}

const node = (version: TlsVersion): Engines => ({
  client: nodeEngine.client({ ...trust, minVersion: version, maxVersion: version }),
  server: (credentials) => nodeEngine.server({ credentials }),
});
/** By the name that a test's title has for them. */
export const engines: readonly (readonly [title: string, Engines])[] = [
  ['node', node('TLSv1.3')],
  ['node) (TLS 1.2', node('TLSv1.2')],
  ['tls13', { client: tls13Engine.client(trust), server: (credentials) => tls13Engine.server({ credentials }) }],
];

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function until(holds: () => boolean, what: string, milliseconds = 10_000): Promise<void> {
  for (const end = performance.now() + milliseconds; !holds(); await sleep(2))
    if (performance.now() > end) throw new Error(`never within ${milliseconds} ms: ${what}`);
}

export type Credentials = WatchedFiles<'cert' | 'key'>;

/** Short enough to be read when it is not the expected one. */
export const leafName = (der: Uint8Array): string => createHash('sha256').update(der).digest('hex').slice(0, 16);

/** What the files of a server hold from now on. */
export interface Issued {
  readonly leaf: string;
  readonly cert: string;
  readonly key: string;
}

export async function issue(): Promise<Issued> {
  const { leafDer, certificatePem, keyPem } = await pki.issue();
  return { leaf: leafName(leafDer), cert: certificatePem, key: keyPem };
}

/** An echo server on files of its own. */
export class LiveServer {
  readonly paths: Credentials;
  readonly events: WatchFilesEvent[] = [];
  readonly swaps: CredentialEvent[] = [];
  readonly failures: unknown[] = [];
  /** Handshakes that the server has seen the end of. */
  served = 0;
  error: unknown;
  readonly #listening = new ReplaySubject<ListeningAddress>(1);
  address!: ListeningAddress;

  constructor(
    t: Test,
    engines: Engines,
    options: WatchFilesOptions = {},
    through: (files: Observable<Credentials>) => Observable<Credentials> = (files) => files,
  ) {
    const folder = t.testdir({});
    this.paths = { cert: join(folder, 'tls.crt'), key: join(folder, 'tls.key') };
    const files = watchFiles(this.paths, {
      settle: 20,
      patience: 200,
      events: { next: (event) => this.events.push(event) },
      ...options,
    });
    const engine: EngineSource<'server'> = liveEngine(through(files), (credentials) => engines.server(credentials), {
      events: { next: (event) => this.swaps.push(event) },
    });
    const server = listen({ port: 0, host: '127.0.0.1', listening: (address) => this.#listening.next(address) })
      .pipe(
        secureEach(engine, (connection) => (this.served++, connection.writeFrom(connection.source)), {
          failed: ({ error }) => this.failures.push(error),
        }),
      )
      .subscribe({ error: (error: unknown) => (this.error = error) });
    this.#listening.subscribe((address) => (this.address = address));
    t.teardown(() => server.unsubscribe());
  }

  /** By rename, one after the other. */
  write({ cert, key }: { readonly cert?: string; readonly key?: string }): void {
    for (const [path, text] of [
      [this.paths.cert, cert],
      [this.paths.key, key],
    ] as const) {
      if (text === undefined) continue;
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    }
  }

  /** A new pair in the files, which the engine has taken. */
  async renew(): Promise<Issued> {
    const before = this.swaps.length;
    const issued = await issue();
    this.write(issued);
    await until(() => this.swaps.length > before, 'the new pair is taken');
    return issued;
  }

  faults(): string[] {
    return this.events.flatMap((event) => (event.type === 'rejected' ? [event.fault] : []));
  }
}

/** Lets the first write through, and the others when it is told to. */
export class Gate {
  #isOpen = false;
  readonly #held: (() => void)[] = [];

  get holds(): boolean {
    return this.#held.length > 0;
  }

  open(): void {
    this.#isOpen = true;
    for (const pass of this.#held.splice(0)) pass();
  }

  around(below: ByteDuplex): ByteDuplex {
    let writes = 0;
    const { sink } = below;
    const pass = (what: () => void): void => void (this.#isOpen ? what() : this.#held.push(what));
    return {
      source: below.source,
      info: below.info,
      unread: (bytes) => below.unread(bytes),
      sink: {
        demand: sink.demand,
        taken: sink.taken,
        write: (bytes) => (writes++ === 0 ? sink.write(bytes) : pass(() => sink.write(bytes))),
        end: () => pass(() => sink.end()),
        abort: (reason) => sink.abort(reason),
      },
    };
  }
}

/** One connection to a server, for as long as the test runs. */
export class Client {
  connection: TlsConnection | undefined;
  error: unknown;
  isOver = false;
  text = '';

  constructor(t: Test, { address }: LiveServer, { client }: Engines, gate?: Gate) {
    const subscription = connect(address)
      .pipe(map((duplex) => gate?.around(duplex) ?? duplex))
      .pipe(secure(client))
      .subscribe({
        next: (connection) => {
          this.connection = connection;
          connection.plaintext.subscribe({
            next: (bytes) => (this.text += Buffer.from(bytes).toString()),
            error: () => undefined, // told by the owner's error too
          });
        },
        error: (error: unknown) => ((this.error = error), (this.isOver = true)),
        complete: () => (this.isOver = true),
      });
    t.teardown(() => subscription.unsubscribe());
  }

  /** Waits for the handshake; which leaf the server has shown. */
  async leaf(): Promise<string> {
    await until(() => this.connection !== undefined || this.isOver, 'a connection or its end');
    if (this.connection === undefined) throw new Error('no connection', { cause: this.error });
    return leafName(this.connection.negotiated.peer.chain[0]!);
  }

  /** Says something, and hears it again. */
  async echo(word: string): Promise<void> {
    const expected = this.text + word;
    this.connection?.write(Buffer.from(word)).subscribe({ error: () => undefined }); // lost ones have no echo
    await until(() => this.text === expected, `the echo of ${word}`);
  }
}
