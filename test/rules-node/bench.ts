// Two ends of a connection over memory, Node's OpenSSL in both, and everything that became of each end written down.
import {
  type ByteDuplex,
  type EngineSource,
  type Ledger,
  type Readiness,
  secure,
  type SecureOptions,
  type TlsConnection,
  type TlsError,
  type TlsEvent,
  type TlsVersion,
  type WriteAck,
} from '@rxtls/core';
import { type NodeClientOptions, nodeEngine, type NodeServerOptions } from '@rxtls/engine-node';
import { type TestLeafName, testPki } from '@rxtls/testing';
import { type LinkControl, type MemoryPairOptions, memoryPair } from '@rxtls/transport-memory';
import { concat, NEVER, of, type Subscription, tap } from 'rxjs';

export const pki = await testPki();
export const versions = ['TLSv1.3', 'TLSv1.2'] as const satisfies readonly TlsVersion[];

export async function credentials(leaf: TestLeafName): Promise<{ cert: string; key: string }> {
  const { certificatePem, keyPem } = await pki.leaf(leaf);
  return { cert: certificatePem, key: keyPem };
}

const own = await credentials('ecdsa');
export const client = (version: TlsVersion = 'TLSv1.3', options: Partial<NodeClientOptions> = {}) =>
  nodeEngine.client({
    serverName: 'localhost',
    ca: pki.authorityPem,
    sessions: 'none',
    minVersion: version,
    maxVersion: version,
    ...options,
  });
export const server = (version: TlsVersion = 'TLSv1.3', options: Partial<NodeServerOptions> = {}) =>
  nodeEngine.server({ credentials: own, minVersion: version, maxVersion: version, ...options });

/** What was asked of a transport. */
export class Tap {
  readonly duplex: ByteDuplex;
  readonly written: Uint8Array[] = [];
  ends = 0;
  aborts = 0;
  /** Bytes the source has brought. */
  taken = 0;

  constructor(below: ByteDuplex) {
    const { source, sink, info } = below;
    this.duplex = {
      info,
      unread: (bytes) => below.unread(bytes),
      source: {
        bytes: source.bytes.pipe(tap((bytes) => (this.taken += bytes.length))),
        request: (bytes) => source.request(bytes),
      },
      sink: {
        demand: sink.demand,
        taken: sink.taken,
        write: (bytes) => {
          this.written.push(bytes.slice());
          sink.write(bytes);
        },
        end: () => {
          this.ends++;
          sink.end();
        },
        abort: (reason) => {
          this.aborts++;
          sink.abort(reason);
        },
      },
    };
  }

  get writtenBytes(): number {
    return this.written.reduce((sum, { length }) => sum + length, 0);
  }
}

/** One end, and all that it said. */
export class Side {
  readonly wire: Tap;
  readonly acks: WriteAck[] = [];
  readonly readiness: Readiness[] = [];
  readonly ledgers: Ledger[] = [];
  readonly events: TlsEvent[] = [];
  readonly connections: TlsConnection[] = [];
  readonly errors: TlsError[] = [];
  completed = false;
  readonly subscription: Subscription;
  readonly #plaintext: Uint8Array[] = [];
  plaintextEnd: 'open' | 'complete' | TlsError = 'open';
  #reading: Subscription | undefined;

  constructor(
    transport: ByteDuplex,
    engine: EngineSource<'client'> | EngineSource<'server'>,
    { observe, ...options }: SecureOptions = {},
    emitted: (connection: TlsConnection) => void = () => undefined,
  ) {
    this.wire = new Tap(transport);
    this.subscription = concat(of(this.wire.duplex), NEVER)
      .pipe(
        secure(engine, {
          ...options,
          observe: {
            acks: { next: (ack) => this.acks.push(ack) },
            readiness: { next: (state) => this.readiness.push(state) },
            ledger: { next: (ledger) => this.ledgers.push(ledger) },
            events: { next: (event) => this.events.push(event) },
            ...(typeof observe === 'function' ? observe(transport.info) : observe),
          },
        }),
      )
      .subscribe({
        next: (connection) => {
          this.connections.push(connection);
          emitted(connection);
        },
        error: (error: TlsError) => this.errors.push(error),
        complete: () => (this.completed = true),
      });
  }

  get connection(): TlsConnection {
    const connection = this.connections[0];
    if (connection === undefined) throw new Error(`no connection: ${this.errors[0]}`);
    return connection;
  }

  get error(): TlsError | undefined {
    return this.errors[0];
  }

  get isOver(): boolean {
    return this.completed || this.errors.length > 0;
  }

  get ledger(): Ledger {
    return this.ledgers.at(-1)!;
  }

  /** Reads with endless demand from now on. */
  read(): this {
    this.#reading = this.connection.plaintext.subscribe({
      next: (bytes) => this.#plaintext.push(bytes),
      error: (error: TlsError) => (this.plaintextEnd = error),
      complete: () => (this.plaintextEnd = 'complete'),
    });
    return this;
  }

  stopReading(): void {
    this.#reading?.unsubscribe();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#plaintext);
  }

  get text(): string {
    return this.bytes.toString('latin1');
  }

  write(bytes: Uint8Array | string): void {
    // Its acks are read from `observe`; the observable of a lost write errors for whoever subscribes.
    this.connection.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  acksOf(intent: number): WriteAck['type'][] {
    return this.acks.filter((ack) => ack.intent === intent).map(({ type }) => type);
  }
}

export interface DuoOptions {
  readonly version?: TlsVersion;
  readonly client?: EngineSource<'client'>;
  readonly server?: EngineSource<'server'>;
  readonly clientOptions?: SecureOptions;
  readonly serverOptions?: SecureOptions;
  readonly link?: MemoryPairOptions;
  readonly clientEmitted?: (connection: TlsConnection) => void;
  readonly serverEmitted?: (connection: TlsConnection) => void;
}

export interface Duo {
  readonly client: Side;
  readonly server: Side;
  readonly link: { readonly aToB: LinkControl; readonly bToA: LinkControl };
  /** Both ends have their connection. */
  open(): Promise<Duo>;
  readonly destroy: () => void;
}

export function duo(options: DuoOptions = {}): Duo {
  const { version = 'TLSv1.3' } = options;
  const pair = memoryPair(options.link);
  const serverSide = new Side(pair[1], options.server ?? server(version), options.serverOptions, options.serverEmitted);
  const clientSide = new Side(pair[0], options.client ?? client(version), options.clientOptions, options.clientEmitted);
  const both: Duo = {
    client: clientSide,
    server: serverSide,
    link: pair.link,
    open: async () => {
      await until(
        () => [clientSide, serverSide].every((side) => side.connections.length > 0 || side.isOver),
        'the handshake',
      );
      void clientSide.connection;
      void serverSide.connection;
      await until(() => clientSide.readiness.at(-1)?.ready !== undefined, 'readiness');
      return both;
    },
    destroy: () => {
      clientSide.subscription.unsubscribe();
      serverSide.subscription.unsubscribe();
    },
  };
  return both;
}

export async function until(holds: () => boolean, what: string, milliseconds = 30_000): Promise<void> {
  const deadline = Date.now() + milliseconds;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await turns(1);
  }
}

/** So many turns of the event loop: long enough for an engine to say what it has to say. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => void setImmediate(resolve));
}

const terminal: ReadonlySet<string> = new Set(['flushed', 'refused', 'lost']);

/** Intents whose terminal acks are not exactly one, with what they have. */
export function badlySettled(acks: readonly WriteAck[]): string[] {
  const intents = new Map<number, string[]>();
  for (const { intent, type } of acks) intents.set(intent, [...(intents.get(intent) ?? []), type]);
  return [...intents]
    .filter(([, types]) => types.filter((type) => terminal.has(type)).length !== 1 || !terminal.has(types.at(-1)!))
    .map(([intent, types]) => `#${intent}: ${types.join(', ')}`);
}

/** The ledgers that do not balance. */
export const unbalanced = (ledgers: readonly Ledger[]): Ledger[] =>
  ledgers.filter(({ accepted, flushed, lost, outstanding }) => accepted !== flushed + lost + outstanding);

/** Bytes that differ from place to place. */
export const sample = (length: number, seed = 1): Buffer => {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (Math.imul(at + seed * 7919, 0x9e3779b1) >>> 13) & 0xff;
  return bytes;
};
