// rxtls's own two ends over real TCP, as the interop tests use them.
import {
  type ByteDuplex,
  type ConnectionFailure,
  type EngineSource,
  type SecureEachOptions,
  type SecureOptions,
  secure,
  secureEach,
  type TlsConnection,
  type TlsError,
  type TlsEvent,
  type UpgradeReady,
} from '@rxtls/core';
import type { TlsEngineFactory } from '@rxtls/core/engine';
import { nodeEngine, type NodeClientOptions, type NodeServerOptions } from '@rxtls/engine-node';
import { type TestCredentials, type TestLeafName, type TestPki, testPki } from '@rxtls/testing';
import { connect, listen } from '@rxtls/transport-tcp';
import { NEVER, type Observable, type ObservableInput, type OperatorFunction, retry, Subject, timer } from 'rxjs';
import type { Test } from 'tap';

export const host = '127.0.0.1';
export const versions = ['TLSv1.2', 'TLSv1.3'] as const;
export type Version = (typeof versions)[number];
export const mebibyte = 1_048_576;
export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export const pki: TestPki = await testPki();

export const credentials = ({ certificatePem, keyPem }: TestCredentials): { cert: string; key: string } => ({
  cert: certificatePem,
  key: keyPem,
});

/** Lines of hexadecimal text: no peer's command letters begin with one, and no byte of it is special to any of them. */
export function hexLines(length: number): Buffer {
  const bytes = Buffer.alloc(length, '\n');
  let state = length ^ 0x9e3779b9;
  for (let at = 0; at < length; at++) {
    if (at % 64 === 63) continue;
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[at] = '0123456789abcdef'.charCodeAt(state >>> 28);
  }
  bytes[length - 1] = 10;
  return bytes;
}

/** What a reader of a connection has seen. */
export class Reading {
  readonly chunks: Buffer[] = [];
  length = 0;
  /** `undefined` while it goes on. */
  outcome: 'complete' | TlsError | undefined;
  readonly over: Promise<'complete' | TlsError>;
  readonly #moved = new Subject<void>();

  constructor(connection: TlsConnection) {
    this.over = new Promise((resolve) => {
      const ended = (outcome: 'complete' | TlsError): void => {
        this.outcome = outcome;
        resolve(outcome);
        this.#moved.next();
      };
      connection.plaintext.subscribe({
        next: (bytes) => {
          this.chunks.push(Buffer.from(bytes));
          this.length += bytes.length;
          this.#moved.next();
        },
        error: ended,
        complete: () => ended('complete'),
      });
    });
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  /** That many bytes, or however many came until the end or 15 s. */
  async atLeast(length: number): Promise<Buffer> {
    await this.until(() => this.length >= length);
    return this.bytes;
  }

  async until(condition: () => boolean): Promise<boolean> {
    if (condition()) return true;
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(late);
        subscription.unsubscribe();
        resolve(condition());
      };
      const late = setTimeout(finish, 15_000);
      const subscription = this.#moved.subscribe(() => {
        if (condition() || this.outcome !== undefined) finish();
      });
    });
  }
}

/** A client's connection and how it ended. */
export interface Dialled {
  readonly connection: TlsConnection;
  readonly reading: Reading;
  readonly events: readonly TlsEvent[];
  /** Unsubscribes: the abrupt end. */
  readonly cut: () => void;
  /** The error of the observable that emitted the connection; `undefined` when it completed. */
  readonly ended: Promise<TlsError | undefined>;
}

/** Connects, retrying while the peer's program is still starting. Rejects when the handshake fails. */
export async function dial(
  t: Test,
  port: number,
  engine: TlsEngineFactory<'client'>,
  options: SecureOptions = {},
  upgrade?: OperatorFunction<ByteDuplex, UpgradeReady>,
): Promise<Dialled> {
  const tcp = connect({ host, port }).pipe(
    retry({ count: 100, delay: (error: TlsError) => (error.phase === 'setup' ? timer(50) : failing(error)) }),
  );
  const events: TlsEvent[] = [];
  const observe = { events: { next: (event: TlsEvent) => void events.push(event) } };
  let end: (error: TlsError | undefined) => void = () => undefined;
  const ended = new Promise<TlsError | undefined>((resolve) => {
    end = resolve;
  });
  return new Promise((resolve, reject) => {
    const transport: Observable<ByteDuplex | UpgradeReady> = upgrade === undefined ? tcp : tcp.pipe(upgrade);
    const subscription = transport.pipe(secure(engine, { ...options, observe })).subscribe({
      next: (connection) =>
        resolve({
          connection,
          reading: new Reading(connection),
          events,
          cut: () => subscription.unsubscribe(),
          ended,
        }),
      error: (error: TlsError) => {
        end(error);
        reject(error);
      },
      complete: () => end(undefined),
    });
    t.teardown(() => subscription.unsubscribe());
  });
}

function failing(error: TlsError): never {
  throw error;
}

export const clientEngine = (options: Partial<NodeClientOptions> = {}): ReturnType<typeof nodeEngine.client> =>
  nodeEngine.client({ serverName: 'localhost', ca: pki.authorityPem, ...options });

/** Both bounds of the version. */
export const only = (version: Version): { minVersion: Version; maxVersion: Version } => ({
  minVersion: version,
  maxVersion: version,
});

export async function serverEngine(
  leaf: TestLeafName,
  options: Partial<NodeServerOptions> = {},
): Promise<ReturnType<typeof nodeEngine.server>> {
  return nodeEngine.server({ credentials: credentials(await pki.leaf(leaf)), ...options });
}

/** What every engine of ours takes by these names. */
export interface OurOptions {
  readonly alpnProtocols?: readonly string[];
}

/** One of our engines, as the tests that are the same for all of them use it. */
export interface OurEngine {
  /** As it stands in the titles of tests. */
  readonly name: string;
  readonly versions: readonly Version[];
  client(version: Version, options?: OurOptions & Pick<NodeClientOptions, 'credentials'>): TlsEngineFactory<'client'>;
  server(
    leaf: TestLeafName,
    options?: OurOptions & Pick<NodeServerOptions, 'clientAuth' | 'clientCa'>,
  ): Promise<TlsEngineFactory<'server'>>;
}

export const ourNode: OurEngine = {
  name: 'node',
  versions,
  client: (version, options) => clientEngine({ ...only(version), ...options }),
  server: serverEngine,
};

/** A listening server of rxtls. */
export interface Served {
  readonly port: number;
  readonly connections: TlsConnection[];
  readonly failures: ConnectionFailure[];
  readonly stop: () => void;
  /** The next connection that is emitted, or was and has not been asked for. */
  readonly next: () => Promise<TlsConnection>;
  /** The next failure. */
  readonly failure: () => Promise<ConnectionFailure>;
}

/** Listens on loopback. Without `project` every connection stays open for the test to use. */
export async function serve(
  t: Test,
  engine: EngineSource<'server'>,
  options: SecureEachOptions = {},
  project: (connection: TlsConnection) => ObservableInput<unknown> = () => NEVER,
): Promise<Served> {
  const connections: TlsConnection[] = [];
  const failures: ConnectionFailure[] = [];
  const asked = { connections: 0, failures: 0 };
  const moved = new Subject<void>();
  const nth = async <T>(list: readonly T[], index: number, what: string): Promise<T> => {
    const late = AbortSignal.timeout(15_000);
    while (list.length <= index) {
      if (late.aborted) throw new Error(`waited for ${what}`);
      await Promise.race([new Promise<void>((resolve) => onNext(moved, resolve)), sleep(500)]);
    }
    return list[index]!;
  };
  let stop: () => void = () => undefined;
  const port = await new Promise<number>((resolve, reject) => {
    const subscription = listen({ port: 0, host, listening: (address) => resolve(address.port) })
      .pipe(
        secureEach(
          engine,
          (connection) => {
            connections.push(connection);
            moved.next();
            return project(connection);
          },
          {
            ...options,
            failed: (failure) => {
              failures.push(failure);
              moved.next();
            },
          },
        ),
      )
      .subscribe({ error: reject });
    stop = () => subscription.unsubscribe();
  });
  t.teardown(stop);
  return {
    port,
    connections,
    failures,
    stop,
    next: () => nth(connections, asked.connections++, 'a connection'),
    failure: () => nth(failures, asked.failures++, 'a failure'),
  };
}

const onNext = (subject: Subject<void>, call: () => void): void => {
  const subscription = subject.subscribe(() => {
    subscription.unsubscribe();
    call();
  });
};

/** Looks again every few milliseconds, for 15 s: for what no stream of bytes tells. */
export async function eventually(condition: () => boolean): Promise<boolean> {
  for (const late = Date.now() + 15_000; Date.now() < late; await sleep(5)) if (condition()) return true;
  return condition();
}

/** The error a promise rejects with. */
export async function refusal(promise: Promise<unknown>): Promise<TlsError | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error as TlsError;
  }
}

export const completed = (cold: { subscribe(observer: object): unknown }): Promise<TlsError | undefined> =>
  new Promise((resolve) => {
    cold.subscribe({ error: resolve, complete: () => resolve(undefined) });
  });
