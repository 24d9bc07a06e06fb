import assert from 'node:assert/strict';
import { resolveLimits, type Limits, type TlsEngineFactory, type TlsHost } from '@rxtls/core/engine';
import type { Chunking } from './chunking.ts';
import { EngineSide } from './engine-side.ts';

export interface EnginePairOptions {
  readonly client: TlsEngineFactory<'client'>;
  readonly server: TlsEngineFactory<'server'>;
  readonly host: (limits: Limits) => TlsHost;
  readonly limits?: Partial<Limits>;
  readonly chunking: Chunking;
  readonly observed?: boolean;
  /** Turns of the event loop without any activity after which nothing more is expected. */
  readonly quietTurns: number;
  /** Milliseconds after which a wait is given up. */
  readonly patience: number;
}

/** No more than this is given and not consumed, as in core (`readHighWater`). */
const window = 262_144;

/** One direction of the wire; `chunks` are cut and not delivered yet. */
interface Road {
  readonly from: EngineSide;
  readonly to: EngineSide;
  readonly cut: (bytes: Uint8Array) => Uint8Array[];
  chunks: Uint8Array[];
}

/** A client engine and a server engine joined by a wire that cuts the bytes as a chunking says. */
export class EnginePair {
  readonly client: EngineSide;
  readonly server: EngineSide;
  /** While true nothing is delivered. */
  held = false;
  readonly #options: EnginePairOptions;
  readonly #roads: readonly Road[];

  constructor(options: EnginePairOptions) {
    this.#options = options;
    const host = options.host(resolveLimits(options.limits));
    this.client = new EngineSide('client', options.client, host, options.observed);
    this.server = new EngineSide('server', options.server, host, options.observed);
    const { client, server } = this;
    this.#roads = [
      { from: client, to: server, cut: options.chunking.start(), chunks: [] },
      { from: server, to: client, cut: options.chunking.start(), chunks: [] },
    ];
  }

  get sides(): readonly [EngineSide, EngineSide] {
    return [this.client, this.server];
  }

  other(side: EngineSide): EngineSide {
    return side === this.client ? this.server : this.client;
  }

  /** Puts bytes on the wire behind what this side has made. */
  inject(from: EngineSide, bytes: Uint8Array): void {
    from.out.push({ bytes, copy: bytes });
  }

  /** All that this side has made and that has not been delivered: the wire forgets it. */
  intercept(from: EngineSide): Uint8Array {
    return new Uint8Array(Buffer.concat(from.out.splice(0).map(({ copy }) => copy)));
  }

  /** Moves what can be moved without waiting; true when anything was. */
  move(): boolean {
    let moved = false;
    for (let again = true; again; ) {
      again = false;
      for (const side of this.sides) again = side.step() || again;
      if (!this.held) for (const road of this.#roads) again = this.#deliver(road) || again;
      moved ||= again;
    }
    return moved;
  }

  /** Goes on until nothing happens any more. */
  async settle(): Promise<void> {
    const deadline = performance.now() + this.#options.patience;
    for (let quiet = 0; quiet < this.#options.quietTurns; ) {
      if (performance.now() > deadline) assert.fail(`${this.#where()}: did not come to rest`);
      quiet = (await this.#turn()) ? 0 : quiet + 1;
    }
  }

  /** Goes on until the condition holds. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const deadline = performance.now() + this.#options.patience;
    while (!condition()) {
      if (performance.now() > deadline) assert.fail(`${this.#where()}: waited in vain for ${what}`);
      await this.#turn();
    }
  }

  /** Both sides negotiated and ready. */
  async open(): Promise<this> {
    await this.until(() => this.sides.every((side) => side.maySend), 'the handshake');
    await this.settle();
    return this;
  }

  /** Every promise of the contract was kept; the engines are gone afterwards, in silence. */
  async finish(): Promise<void> {
    for (const side of this.sides) side.destroy();
    await this.settle();
    for (const side of this.sides) side.assertKept();
  }

  async #turn(): Promise<boolean> {
    const before = this.client.activity + this.server.activity;
    const moved = this.move();
    await new Promise((resolve) => setImmediate(resolve));
    return moved || before !== this.client.activity + this.server.activity;
  }

  #deliver(road: Road): boolean {
    const { from, to, cut, chunks } = road;
    if (from.out.length > 0) {
      const flight = from.out.splice(0);
      for (const { bytes, copy } of flight)
        if (!Buffer.from(bytes).equals(copy)) from.broken.push('wrote to ciphertext it had handed over');
      road.chunks = [...chunks, ...cut(new Uint8Array(Buffer.concat(flight.map(({ copy }) => copy))))];
    }
    let delivered = 0;
    for (const chunk of road.chunks) {
      if (to.over || to.ended || to.closeReceived || to.bytes.given - to.bytes.consumed >= window) break;
      to.give(chunk);
      delivered += 1;
    }
    road.chunks.splice(0, delivered);
    return delivered > 0;
  }

  #where(): string {
    return `${this.#options.chunking.name}: ${this.sides.map(describe).join(' | ')}`;
  }
}

const describe = ({ name, readiness, failures, bytes }: EngineSide): string =>
  `${name} ${readiness.at(-1)?.state ?? 'silent'} ${failures.map(String).join()} ${JSON.stringify(bytes)}`;
