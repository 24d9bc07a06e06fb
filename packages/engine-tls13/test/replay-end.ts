// One engine at contract level: what it draws is given by label, its tasks are settled by hand, its secrets are kept.
import {
  defaultLimits,
  type EngineTask,
  type Limits,
  type NegotiatedParameters,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsError,
  type TlsEvent,
} from '@rxtls/core/engine';
import type { RandomBytes } from '../src/crypto/crypto-provider.ts';

export interface ReplayOptions {
  readonly random: RandomBytes;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly limits?: Partial<Limits>;
}

export class ReplayEnd {
  readonly engine: TlsEngine;
  readonly plaintext: Uint8Array[] = [];
  readonly events: TlsEvent[] = [];
  readonly tasks: EngineTask[] = [];
  negotiated: NegotiatedParameters | undefined;
  error: TlsError | undefined;
  closed = false;
  readonly #out: Uint8Array[] = [];

  constructor(factory: TlsEngineFactory, { random, now, limits }: ReplayOptions) {
    this.engine = factory(
      {
        observed: true,
        ciphertext: (bytes) => void this.#out.push(bytes),
        sealed: () => {},
        consumed: () => {},
        plaintext: (bytes) => void this.plaintext.push(bytes),
        readiness: () => {},
        task: (task) => void this.tasks.push(task),
        negotiated: (parameters) => {
          this.negotiated = parameters;
        },
        event: (event) => void this.events.push(event),
        closeNotify: () => {
          this.closed = true;
        },
        failed: (error) => {
          this.error = error;
        },
      },
      { wallClock: () => now, monotonicClock: () => 0, random, limits: { ...defaultLimits, ...limits } },
    );
  }

  give(...records: readonly Uint8Array[]): this {
    for (const bytes of records) this.engine.receiveCiphertext(Uint8Array.from(bytes));
    return this;
  }

  /** Runs the one task that waits, whose answer must be there at once. */
  settle(): this {
    const [task, ...more] = this.tasks.splice(0);
    if (task === undefined || more.length > 0) throw new Error(`${more.length} tasks more than one wait`);
    task.resolve(task.run());
    return this;
  }

  /** All ciphertext that came since the last time. */
  take(): Uint8Array {
    return joined(this.#out.splice(0));
  }

  /** A secret that was logged. */
  secret(label: string): Uint8Array {
    for (const event of this.events)
      if (event.type === 'keylog' && event.line.startsWith(`${label} `))
        return Uint8Array.from(Buffer.from(event.line.split(' ')[2]!, 'hex'));
    throw new Error(`no ${label} was logged`);
  }
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(chunks));
}

/** Whole records in a run of ciphertext. */
export function records(bytes: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 5 + ((bytes[at + 3] ?? 0) << 8) + (bytes[at + 4] ?? 0);
    found.push(bytes.slice(at, end));
    at = end;
  }
  return found;
}

/** Bytes that depend on the seed alone (mulberry32). */
export function seededBytes(seed: number): RandomBytes {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return (length) => Uint8Array.from({ length }, next);
}
