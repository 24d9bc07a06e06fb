// Both ends of a connection at contract level: queues of ciphertext, cut into chunks at will, and no core in between.
import {
  defaultLimits,
  type EngineReadiness,
  type EngineTask,
  type Limits,
  type NegotiatedParameters,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsEngineSink,
  type TlsError,
  type TlsEvent,
  type TlsHost,
} from '@rxtls/core/engine';

export interface EndOptions {
  readonly limits?: Partial<Limits>;
  readonly wallClock?: () => number;
  readonly observed?: boolean;
  /** Called in every sink callback. */
  readonly callback?: (name: string, end: End) => void;
  /** Keeps tasks for the test to settle. */
  readonly holdTasks?: boolean;
}

export class End {
  readonly sink: TlsEngineSink;
  readonly engine: TlsEngine;
  readonly log: string[] = [];
  readonly out: Uint8Array[] = [];
  readonly plaintext: Uint8Array[] = [];
  readonly events: TlsEvent[] = [];
  readonly tasks: EngineTask[] = [];
  ready: EngineReadiness | undefined;
  negotiated: NegotiatedParameters | undefined;
  error: TlsError | undefined;
  closed = false;
  given = 0;
  consumed = 0;
  sealed = 0;
  sent = 0;

  constructor(factory: TlsEngineFactory, options: EndOptions = {}) {
    const note = (name: string): void => {
      if (this.log.at(-1) !== name || name === 'failed') this.log.push(name);
      options.callback?.(name, this);
    };
    this.sink = {
      observed: options.observed ?? true,
      ciphertext: (bytes) => {
        this.out.push(bytes);
        note('ciphertext');
      },
      sealed: (n) => {
        this.sealed += n;
        note('sealed');
      },
      consumed: (n) => {
        this.consumed += n;
        note('consumed');
      },
      plaintext: (bytes) => {
        this.plaintext.push(bytes);
        note('plaintext');
      },
      readiness: (state) => {
        this.ready = state;
        note(`readiness ${state.state}`);
      },
      task: (task) => {
        this.tasks.push(task);
        note('task');
        if (options.holdTasks !== true) queueMicrotask(() => void settle(task));
      },
      negotiated: (parameters) => {
        this.negotiated = parameters;
        note('negotiated');
      },
      event: (event) => {
        this.events.push(event);
        note('event');
      },
      closeNotify: () => {
        this.closed = true;
        note('closeNotify');
      },
      failed: (error) => {
        this.error = error;
        note('failed');
      },
    };
    const host: TlsHost = {
      wallClock: options.wallClock ?? (() => Date.now()),
      monotonicClock: () => performance.now(),
      random: (n) => new Uint8Array(n),
      limits: { ...defaultLimits, ...options.limits },
    };
    this.engine = factory(this.sink, host);
  }

  give(bytes: Uint8Array): void {
    this.given += bytes.length;
    this.engine.receiveCiphertext(bytes);
  }

  /** Takes all ciphertext the engine has made. */
  take(): Buffer {
    return Buffer.concat(this.out.splice(0));
  }

  send(bytes: Uint8Array | string): void {
    const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    this.sent += data.length;
    this.engine.sendPlaintext(data);
  }

  get text(): string {
    return Buffer.concat(this.plaintext).toString('latin1');
  }

  get keptPromises(): boolean {
    return this.consumed <= this.given && this.sealed <= this.sent;
  }
}

async function settle(task: EngineTask): Promise<void> {
  try {
    task.resolve(await (task.run() as Promise<unknown>));
  } catch (error) {
    task.reject(error as TlsError);
  }
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** One piece after another. */
export type Chunking = (bytes: Buffer) => Buffer[];
export const whole: Chunking = (bytes) => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65_536) pieces.push(Buffer.from(bytes.subarray(at, at + 65_536)));
  return pieces;
};
export const pieces =
  (sizes: () => number): Chunking =>
  (bytes) => {
    const list: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const size = Math.max(1, sizes());
      list.push(Buffer.from(bytes.subarray(at, at + size)));
      at += size;
    }
    return list;
  };

export class Pair {
  readonly client: End;
  readonly server: End;
  readonly chunking: Chunking;
  constructor(client: End, server: End, chunking: Chunking = whole) {
    this.client = client;
    this.server = server;
    this.chunking = chunking;
  }

  /** Carries bytes both ways until nothing has moved for a few turns, or `until` holds. */
  async run(until: () => boolean = () => false): Promise<void> {
    for (let idle = 0; idle < 8 && !until(); ) {
      const up = this.client.take();
      const down = this.server.take();
      for (const chunk of this.chunking(up)) this.server.give(chunk);
      for (const chunk of this.chunking(down)) this.client.give(chunk);
      idle = up.length + down.length > 0 ? 0 : idle + 1;
      await turn();
    }
  }

  async sendAll(from: End, bytes: Uint8Array, slice = 16_384): Promise<void> {
    for (let at = 0; at < bytes.length; at += slice) {
      if (from.ready?.maySend !== true) await this.run(() => from.ready?.maySend === true);
      if (from.error !== undefined) return;
      from.send(bytes.subarray(at, at + slice));
    }
    await this.run();
  }

  destroy(): void {
    this.client.engine.destroy();
    this.server.engine.destroy();
  }
}

export function pair(
  client: TlsEngineFactory,
  server: TlsEngineFactory,
  options: { client?: EndOptions; server?: EndOptions; chunking?: Chunking } = {},
): Pair {
  return new Pair(new End(client, options.client), new End(server, options.server), options.chunking);
}
