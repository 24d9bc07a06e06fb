// Both ends of a connection at contract level, with a clock of the test's own, and the certificates of certificate-pki.ts.
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
import type { Credentials } from '../src/certificate/load-credentials.ts';
import { tls13Engine, type Tls13ClientOptions, type Tls13ServerOptions } from '../src/node.ts';
import { type Issued, issue, now } from './certificate-pki.ts';
import type { RawPeer } from './raw-peer.ts';

export const root = issue({ cn: 'root', ca: true });
export const otherRoot = issue({ cn: 'other root', ca: true });
export const hostLeaf = issue({ issuer: root, dns: ['host.test'], usage: ['serverAuth'] });
export const clientLeaf = issue({ issuer: root, dns: ['client.test'], usage: ['clientAuth'] });

export const credentials = (leaf: Issued, ...more: readonly Issued[]): Credentials => ({
  cert: [leaf, ...more].map(({ der }) => der),
  key: leaf.keys.secret!.export({ type: 'pkcs8', format: 'pem' }),
});
export const client = (options: Partial<Tls13ClientOptions> = {}): TlsEngineFactory<'client'> =>
  tls13Engine.client({ serverName: 'host.test', ca: root.pem, sessions: 'none', ...options });
export const server = (options: Partial<Tls13ServerOptions> = {}): TlsEngineFactory<'server'> =>
  tls13Engine.server({ credentials: credentials(hostLeaf), ...options });

/** Bytes that depend on the seed alone (mulberry32). */
export function seededBytes(seed: number): (length: number) => Uint8Array {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return (length) => Uint8Array.from({ length }, next);
}

export interface EndOptions {
  readonly limits?: Partial<Limits>;
  readonly wallClock?: () => number;
  readonly monotonicClock?: () => number;
  readonly seed?: number;
  readonly observed?: boolean;
  /** Tasks wait for the test. */
  readonly holdTasks?: boolean;
  /** Called in every sink callback. */
  readonly callback?: (name: string, end: End) => void;
}

/** One engine and what came of it. */
export class End {
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

  constructor(factory: TlsEngineFactory, options: EndOptions = {}) {
    const note = (name: string): void => {
      this.log.push(name);
      options.callback?.(name, this);
    };
    const sink: TlsEngineSink = {
      observed: options.observed ?? true,
      ciphertext: (bytes) => {
        this.out.push(bytes);
        note('ciphertext');
      },
      sealed: (bytes) => {
        this.sealed += bytes;
        note('sealed');
      },
      consumed: (bytes) => {
        this.consumed += bytes;
        note('consumed');
      },
      plaintext: (bytes) => {
        this.plaintext.push(bytes);
        note('plaintext');
      },
      readiness: (state) => {
        this.ready = state;
        note('readiness');
      },
      task: (task) => {
        this.tasks.push(task);
        note('task');
        if (options.holdTasks !== true) this.#settle(task);
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
      wallClock: options.wallClock ?? (() => now),
      monotonicClock: options.monotonicClock ?? (() => 0),
      random: seededBytes(options.seed ?? 1),
      limits: { ...defaultLimits, ...options.limits },
    };
    this.engine = factory(sink, host);
  }

  give(bytes: Uint8Array): this {
    this.given += bytes.length;
    this.engine.receiveCiphertext(new Uint8Array(bytes));
    return this;
  }

  /** Takes all ciphertext the engine has made. */
  take(): Uint8Array {
    return joined(this.out.splice(0));
  }

  send(text: string): void {
    this.engine.sendPlaintext(Buffer.from(text, 'latin1'));
  }

  get text(): string {
    return Buffer.from(joined(this.plaintext)).toString('latin1');
  }

  /** The alert this end has sent as its last word. */
  get lastWord(): unknown {
    return this.events.flatMap((event) => (event.type === 'alert' && event.direction === 'sent' ? [event] : [])).at(-1)
      ?.description;
  }

  approached(limit: string): boolean {
    return this.events.some((event) => event.type === 'limit' && event.limit === limit);
  }

  /** Runs as in core: never within the call that made the task. */
  #settle(task: EngineTask): void {
    queueMicrotask(() => {
      void Promise.resolve()
        .then(() => task.run())
        .then((answer) => task.resolve(answer))
        .catch((error: TlsError) => task.reject(error));
    });
  }
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

/** Carries bytes both ways until nothing moves. */
export function carry(a: End, b: End | RawPeer): void {
  for (let moved = true; moved; ) {
    const [up, down] = [a.take(), b.take()];
    if (up.length > 0) b.give(up);
    if (down.length > 0) a.give(down);
    moved = up.length + down.length > 0;
  }
}

export interface Both {
  readonly client: End;
  readonly server: End;
}

/** A client and a server that have shaken hands as far as they could. */
export function both(
  factories: { readonly client?: TlsEngineFactory; readonly server?: TlsEngineFactory } = {},
  options: { readonly client?: EndOptions; readonly server?: EndOptions } = {},
): Both {
  const ends = {
    client: new End(factories.client ?? client(), { seed: 1, ...options.client }),
    server: new End(factories.server ?? server(), { seed: 2, ...options.server }),
  };
  carry(ends.client, ends.server);
  return ends;
}

/** The same, with tasks run in between. */
export async function meet(...parameters: Parameters<typeof both>): Promise<Both> {
  const ends = both(...parameters);
  for (let turn = 0; turn < 8; turn++) {
    await new Promise((resolve) => void setImmediate(resolve));
    carry(ends.client, ends.server);
  }
  return ends;
}
