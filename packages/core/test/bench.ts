// What core's tests stand on: one connection over a wire that the test moves by hand, in virtual time, and a whole pair.
import {
  type ByteDuplex,
  CreditSource,
  type Ledger,
  Level,
  type Readiness,
  secure,
  type SecureOptions,
  type TlsConnection,
  type WriteAck,
} from '@rxtls/core';
import type { TlsEngineSink, TlsEvent } from '@rxtls/core/engine';
import { concat, config, NEVER, of, type Subscription, VirtualTimeScheduler } from 'rxjs';
import { placeboEngine } from '../../testing/src/placebo/placebo-engine.ts';
import { placeboRecords } from '../../testing/src/placebo/placebo-records.ts';
import { type MemoryPairOptions, memoryPair } from '../../transport-memory/src/index.ts';

export { placeboEngine, placeboRecords as record };

export const ascii = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
export const text = (...chunks: readonly Uint8Array[]): string =>
  chunks.map((chunk) => String.fromCharCode(...chunk)).join('');
/** Bytes that tell where they are. */
export const pattern = (length: number, start = 0): Uint8Array => {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = (start + index) % 251;
  return bytes;
};
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
export const joined = (chunks: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
};

/** Virtual time that can be moved to a moment. */
export class Clock extends VirtualTimeScheduler {
  /** Runs everything that is due up to then. */
  to(milliseconds: number): void {
    this.maxFrames = milliseconds;
    this.flush();
    this.frame = milliseconds;
  }

  /** Actions that are scheduled and not done. */
  get pending(): number {
    return this.actions.length;
  }
}

/** A sink with some of its methods replaced. */
export const haunted = (sink: TlsEngineSink, own: Partial<TlsEngineSink>): TlsEngineSink =>
  new Proxy(sink, {
    get(target, name) {
      const value: unknown = Reflect.get(name in own ? own : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** Everything promises have to say by now. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
};

/** Collects what RxJS would report as unhandled while `run` runs. */
export async function unhandled(run: () => void | Promise<void>): Promise<unknown[]> {
  const errors: unknown[] = [];
  config.onUnhandledError = (error) => void errors.push(error);
  try {
    await run();
    await new Promise((resolve) => setTimeout(resolve, 5));
  } finally {
    config.onUnhandledError = null;
  }
  return errors;
}

/** A transport under the test's hand: what is written is counted, what arrives is given, room is granted. */
export class Wire {
  readonly source: CreditSource;
  readonly demand: Level;
  readonly taken: Level = new Level(0);
  readonly out: Uint8Array[] = [];
  readonly calls: string[] = [];
  readonly duplex: ByteDuplex;
  written = 0;
  /** Bytes the connection has taken. */
  read = 0;
  requested = 0;
  room: number;
  /** Demand stays as it is, and nothing written is reported as taken. */
  holds = false;
  onWrite: ((bytes: Uint8Array) => unknown) | undefined;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
    this.source = new CreditSource({ read: (bytes) => (this.read += bytes) });
    this.demand = new Level(room);
    this.duplex = {
      info: { remote: 'wire' },
      unread: (bytes) => this.source.unread(bytes),
      source: {
        bytes: this.source.bytes,
        request: (bytes) => {
          this.requested += bytes;
          this.source.request(bytes);
        },
      },
      sink: {
        demand: this.demand.changes,
        taken: this.taken.changes,
        write: (bytes) => {
          this.out.push(bytes.slice());
          this.written += bytes.length;
          this.calls.push(...recordNames(bytes));
          this.onWrite?.(bytes);
          this.#flow();
        },
        end: () => void this.calls.push('end'),
        abort: () => void this.calls.push('abort'),
      },
    };
  }

  give(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.source.push(chunk.slice());
  }

  grant(bytes: number): void {
    this.room += bytes;
    this.#flow();
  }

  count(call: string): number {
    return this.calls.filter((each) => each === call).length;
  }

  /** The plaintext in the placebo's application data records. */
  get sent(): Uint8Array {
    return joined(recordsOf(joined(this.out)).flatMap(({ type, body }) => (type === 23 ? [body] : [])));
  }

  #flow(): void {
    if (this.holds) return;
    const moved = Math.min(this.written - this.taken.value, this.room);
    this.room -= moved;
    this.demand.set(Math.max(0, this.room - (this.written - this.taken.value - moved)));
    this.taken.set(this.taken.value + moved);
  }
}

export interface WireRecord {
  readonly type: number;
  readonly body: Uint8Array;
}

export function recordsOf(bytes: Uint8Array): WireRecord[] {
  const records: WireRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = (bytes[at + 3]! << 8) | bytes[at + 4]!;
    records.push({ type: bytes[at]!, body: bytes.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return records;
}

/** `handshake 1` (its message type), `data 5` (its length), `alert 1:0`. */
const recordNames = (bytes: Uint8Array): string[] =>
  recordsOf(bytes).map(({ type, body }) => {
    if (type === 21) return body[1] === 0 ? 'close_notify' : `alert ${body[0]}:${body[1]}`;
    if (type === 22) return `handshake ${body[0]}`;
    return type === 23 ? `data ${body.length}` : `type ${type}`;
  });

export interface Seen {
  readonly acks: WriteAck[];
  readonly ledgers: Ledger[];
  readonly readiness: Readiness[];
  readonly events: TlsEvent[];
  readonly plaintext: Uint8Array[];
}

/** One connection and everything that was seen of it. */
export class Bench implements Seen {
  readonly acks: WriteAck[] = [];
  readonly ledgers: Ledger[] = [];
  readonly readiness: Readiness[] = [];
  readonly events: TlsEvent[] = [];
  readonly plaintext: Uint8Array[] = [];
  /** What came, in order: `next`, `plaintext complete`, `error: …`. */
  readonly log: string[] = [];
  readonly clock: Clock;
  readonly wire: Wire;
  connections = 0;
  error: unknown;
  plaintextError: unknown;
  isComplete = false;
  subscription: Subscription | undefined;
  #connection: TlsConnection | undefined;

  constructor(wire: Wire = new Wire(), clock: Clock = new Clock()) {
    this.wire = wire;
    this.clock = clock;
  }

  get connection(): TlsConnection {
    if (this.#connection === undefined) throw new Error('there is no connection');
    return this.#connection;
  }

  get ledger(): Ledger {
    return this.ledgers.at(-1)!;
  }

  /** `#1 queued 5` … */
  get ackLog(): string[] {
    return this.acks.map(({ type, intent, bytes }) => `#${intent} ${type} ${bytes}`);
  }

  start(
    engine: Parameters<typeof secure>[0],
    options: SecureOptions & { readonly read?: boolean; readonly next?: (connection: TlsConnection) => void } = {},
  ): this {
    const { read = true, next, ...own } = options;
    const transport = concat(of(this.wire.duplex), NEVER);
    const secured = transport.pipe(
      secure(engine, {
        ...own,
        scheduler: this.clock,
        observe: {
          acks: { next: (ack) => void this.acks.push(ack) },
          ledger: { next: (ledger) => void this.ledgers.push(ledger) },
          readiness: { next: (state) => void this.readiness.push(state) },
          events: { next: (event) => void this.events.push(event) },
          ...(typeof own.observe === 'function' ? own.observe(this.wire.duplex.info) : own.observe),
        },
      }),
    );
    this.subscription = secured.subscribe({
      next: (connection) => {
        this.connections++;
        this.log.push('next');
        this.#connection = connection;
        if (read) this.read();
        next?.(connection);
      },
      error: (error: unknown) => {
        this.error = error;
        this.log.push(`error: ${(error as Error).name}`);
      },
      complete: () => {
        this.isComplete = true;
        this.log.push('complete');
      },
    });
    return this;
  }

  read(): Subscription {
    return this.connection.plaintext.subscribe({
      next: (bytes) => void this.plaintext.push(bytes),
      error: (error: unknown) => {
        this.plaintextError = error;
        this.log.push(`plaintext error: ${(error as Error).name}`);
      },
      complete: () => void this.log.push('plaintext complete'),
    });
  }

  /** Speaks as the server of a placebo client. */
  handshake(): this {
    this.wire.give(placeboRecords.serverFlight(1, true));
    return this;
  }

  get received(): string {
    return text(...this.plaintext);
  }
}

/** A client that is through with its handshake. */
export const openClient = (
  options: Parameters<Bench['start']>[1] = {},
  version: 'TLSv1.3' | 'TLSv1.2' = 'TLSv1.3',
  wire: Wire = new Wire(),
): Bench => new Bench(wire).start(placeboEngine.client({ version }), options).handshake();

/** Every ledger balances, and every intent that was queued came to exactly one end. */
export function bookkeeping(bench: Seen): string[] {
  const faults: string[] = [];
  for (const { accepted, flushed, lost, outstanding } of bench.ledgers)
    if (accepted !== flushed + lost + outstanding || outstanding < 0)
      faults.push(`accepted ${accepted} ≠ ${flushed} + ${lost} + ${outstanding}`);
  const ends = new Map<number, number>();
  for (const { type, intent } of bench.acks) {
    const isEnd = type === 'flushed' || type === 'refused' || type === 'lost';
    ends.set(intent, (ends.get(intent) ?? 0) + (isEnd ? 1 : 0));
  }
  for (const [intent, count] of ends) if (count !== 1) faults.push(`intent ${intent} came to ${count} ends`);
  return faults;
}

export interface PairSides {
  readonly client: Bench;
  readonly server: Bench;
  readonly link: ReturnType<typeof memoryPair>['link'];
}

/** Client and server over a memory pair; the client's wire is the pair's first end. */
export function securedPair(
  options: {
    readonly client?: Parameters<Bench['start']>[1];
    readonly server?: Parameters<Bench['start']>[1];
    readonly engines?: readonly [Parameters<typeof secure>[0], Parameters<typeof secure>[0]];
    readonly link?: MemoryPairOptions;
  } = {},
): PairSides {
  const clock = new Clock();
  const pair = memoryPair({ scheduler: clock, ...options.link });
  const [client, server] = options.engines ?? [placeboEngine.client(), placeboEngine.server()];
  const side = (duplex: ByteDuplex): Bench => {
    const wire = new Wire();
    Object.assign(wire, { duplex });
    return new Bench(wire, clock);
  };
  const serverSide = side(pair[1]).start(server, options.server);
  const clientSide = side(pair[0]).start(client, options.client);
  return { client: clientSide, server: serverSide, link: pair.link };
}
