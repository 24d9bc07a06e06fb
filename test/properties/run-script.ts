import { resolveLimits, type TlsEngineFactory } from '@rxtls/core';
import { type MemoryPair, memoryPair } from '@rxtls/transport-memory';
import { End, limitsOf } from './end.ts';
import type { Action, EndName, EndSetup, Occasion, Script, Trigger } from './script.ts';
import { VirtualClock } from './virtual-clock.ts';
import { WireProbe } from './wire-probe.ts';

/** What a script runs over. */
export interface Ground {
  /** The engines of one connection. */
  engines(
    script: Script,
    clock: VirtualClock,
  ): { readonly client: TlsEngineFactory; readonly server: TlsEngineFactory };
  /** Bytes that a data record is longer than its plaintext, without its header. */
  readonly overheadPerRecord: number;
  readonly isReal: boolean;
  /** Lets everything happen that needs no time. */
  quiet(clock: VirtualClock): Promise<void>;
  mayFailWith(error: unknown): boolean;
}

export interface Tally {
  scripts: number;
  completed: number;
  failed: number;
  unsubscribed: number;
  disturbed: number;
  bytes: number;
}

export const newTally = (): Tally => ({
  scripts: 0,
  completed: 0,
  failed: 0,
  unsubscribed: 0,
  disturbed: 0,
  bytes: 0,
});

/** Runs a script and answers what was wrong, first things first. */
export async function runScript(script: Script, ground: Ground, tally: Tally = newTally()): Promise<string[]> {
  const run = new Run(script, ground);
  await run.go();
  tally.scripts++;
  if (run.isDisturbed) tally.disturbed++;
  for (const { outcome, plaintextBytes } of [run.client, run.server]) {
    tally.bytes += plaintextBytes;
    if (outcome === 'completed' || outcome === 'unsubscribed') tally[outcome]++;
    else tally.failed++;
  }
  return run.wrong;
}

class Run {
  readonly wrong: string[] = [];
  readonly client: End;
  readonly server: End;
  /** Something was done after which a connection may end uncleanly. */
  isDisturbed = false;
  readonly #script: Script;
  readonly #ground: Ground;
  readonly #clock = new VirtualClock();
  readonly #pair: MemoryPair;
  readonly #fragment: Record<EndName, { bytes: number; passed: number }>;
  readonly #seen = new Map<string, number>();
  readonly #triggers: Trigger[];
  #what = 'start';
  #hasUpdatedKeys = false;
  /** Whose bytes arrive no more. */
  readonly #cutFrom = new Set<EndName>();

  constructor(script: Script, ground: Ground) {
    this.#script = script;
    this.#ground = ground;
    this.#triggers = [...script.triggers];
    this.isDisturbed = script.link.cut !== undefined;
    const { link } = script;
    this.#fragment = {
      client: { bytes: link.fragment, passed: 0 },
      server: { bytes: link.fragment, passed: 0 },
    };
    const road = (name: EndName) => ({
      fragment: () => this.#piece(name),
      ...(link.cut?.end === name && { cutAfter: { bytes: link.cut.bytes, as: link.cut.as } }),
      ...(link.delay !== undefined && { delay: link.delay }),
      ...(link.coalesce !== undefined && { coalesce: link.coalesce }),
    });
    this.#pair = memoryPair({
      aToB: road('client'),
      bToA: road('server'),
      capacity: link.capacity,
      scheduler: this.#clock.face(),
    });
    const engines = ground.engines(script, this.#clock);
    this.client = this.#end('client', script.client, engines.client);
    this.server = this.#end('server', script.server, engines.server);
  }

  async go(): Promise<void> {
    await this.#do('start', () => {
      this.server.start();
      this.client.start();
    });
    for (const [at, step] of this.#script.steps.entries()) {
      if (this.wrong.length > 0) return;
      if (step.do === 'advance') await this.#advance(step.ms, `step ${at}`);
      else await this.#do(`step ${at}`, () => this.#act(step));
    }
    await this.#finale();
  }

  /** Everything is let go; without disturbance all must arrive without a timer, and after `close` both must end cleanly. */
  async #finale(): Promise<void> {
    if (this.wrong.length > 0) return;
    const { client, server } = this;
    const both = [client, server];
    this.#triggers.length = 0;
    await this.#do('release', () => {
      for (const end of both) {
        this.#roadOf(end.parts.name).starve(Number.POSITIVE_INFINITY);
        this.#roadOf(end.parts.name).release();
        this.#fragment[end.parts.name].bytes = 65_536;
        end.releaseAll();
      }
    });
    await this.#advance(2_000, 'after release');
    if (this.wrong.length > 0) return;
    await this.#do('release again', () => {
      for (const end of both) end.releaseAll();
    });
    await this.#advance(2_000, 'after reading');
    this.#judge();
    this.#mindDeferredData();
    this.#mindTheCut();
    if (!this.isDisturbed) {
      this.#what = 'after everything was let go';
      client.arrived(server);
      server.arrived(client);
      if (this.wrong.length > 0) return;
    }
    await this.#do('last close', () => {
      for (const end of both) if (!end.isOver) end.close('close');
    });
    await this.#advance(2_000, 'after close');
    this.#judge();
    if (!this.isDisturbed && this.wrong.length === 0) {
      for (const { parts, outcome } of both)
        if (outcome !== 'completed')
          this.wrong.push(
            `${parts.name}: nothing disturbed the script, and yet: ${typeof outcome === 'object' ? String(outcome.error) : outcome}`,
          );
    }
    await this.#advance(30_000, 'long after');
    await this.#do('release at last', () => {
      for (const end of both) end.releaseAll();
    });
    await this.#advance(30_000, 'longer after');
    if (this.wrong.length > 0) return;
    this.#what = 'the end';
    client.finish(server, this.#script.version === 'TLSv1.3');
    server.finish(client, this.#script.version === 'TLSv1.3');
  }

  /** A wire that ends without close_notify is noticed at once, wherever in a record it ended. */
  #mindTheCut(): void {
    const { cut } = this.#script.link;
    if (cut !== undefined && this[cut.end].parts.probe.sentBytes > cut.bytes) this.#cutFrom.add(cut.end);
    this.#what = 'after the cut';
    for (const name of this.#cutFrom) {
      const reader = name === 'client' ? this.server : this.client;
      if (!reader.isOver && reader.plaintextEnd === 'none')
        this.#object(`${reader.parts.name}: the wire has ended, and it goes on`);
    }
  }

  /** What an asynchronous engine has taken before a renegotiation that a close ends waits there for the close timer. */
  #mindDeferredData(): void {
    const { version, asynchronous } = this.#script;
    const isClosing = this.client.isClosing || this.server.isClosing;
    if (version === 'TLSv1.2' && asynchronous !== false && this.#hasUpdatedKeys && isClosing) this.isDisturbed = true;
  }

  /** Ends that a harmless script may come to all the same. */
  #judge(): void {
    for (const { outcome } of [this.client, this.server]) {
      if (typeof outcome !== 'object') continue;
      const name = (outcome.error as Error).name;
      const limit = (outcome.error as { limit?: string }).limit;
      // What the `writes` option gave past the queue's bound, or after a close; a renegotiation that the other end refuses.
      if (name === 'WriteRefusedError' || name === 'WriteLostError' || limit === 'renegotiation')
        this.isDisturbed = true;
    }
  }

  async #do(what: string, act: () => void): Promise<void> {
    this.#what = what;
    try {
      act();
    } catch (error) {
      this.#object(`thrown: ${error instanceof Error ? error.stack : String(error)}`);
    }
    this.#check();
    if (this.#ground.isReal || this.#script.asynchronous !== false || this.#isSlow) {
      await this.#ground.quiet(this.#clock);
      this.#check();
    }
  }

  get #isSlow(): boolean {
    const { client, server, steps, triggers } = this.#script;
    if (client.verify === 'promise' || server.verify === 'promise') return true;
    return [...steps, ...triggers.map(({ action }) => action)].some(({ do: what }) => what === 'writeFrom');
  }

  async #advance(ms: number, what: string): Promise<void> {
    const until = this.#clock.now + ms;
    if (ms >= 1_000 && what.startsWith('step')) this.isDisturbed = true;
    this.#what = `${what} (advance)`;
    const isSlow = this.#ground.isReal || this.#script.asynchronous !== false || this.#isSlow;
    let idle = 0;
    for (let ran = 0; this.wrong.length === 0; ran++) {
      let more = false;
      try {
        more = this.#clock.runNext(until);
      } catch (error) {
        this.#object(`thrown by a timer: ${error instanceof Error ? error.stack : String(error)}`);
      }
      if (isSlow) await this.#ground.quiet(this.#clock);
      idle = more ? 0 : idle + 1;
      if (idle > (this.#ground.isReal ? 6 : 1)) break;
      if (ran > 400_000) this.#object('it never comes to rest');
    }
    this.#clock.now = Math.max(this.#clock.now, until);
    this.#check();
  }

  #check(): void {
    this.client.resolve();
    this.server.resolve();
    this.client.check(this.server);
    this.server.check(this.client);
  }

  #act(action: Action): void {
    if (action.do === 'advance') return; // from inside a handler
    const end = this[action.end];
    const road = this.#roadOf(action.end);
    switch (action.do) {
      case 'write':
        for (const size of action.sizes) end.write(size);
        break;
      case 'writeFrom':
        return end.writeFrom(action.sizes, action.slow);
      case 'pull':
        return end.pull();
      case 'stopWriteFrom':
        return end.stopWriteFrom();
      case 'updateKeys': {
        this.#hasUpdatedKeys = true;
        // The other end may refuse it once, and then for good.
        const { version, client, server } = this.#script;
        if (version === 'TLSv1.2' && client.renegotiations !== server.renegotiations) this.isDisturbed = true;
        return end.updateKeys();
      }
      case 'close':
      case 'closeWrite':
        return end.close(action.do);
      case 'unsubscribe':
        this.isDisturbed = true;
        return end.unsubscribe();
      case 'read':
        return end.read(action.as);
      case 'grant':
        return end.grant(action.bytes);
      case 'starve':
        return road.starve(action.bytes);
      case 'stall':
        return road.stall();
      case 'release':
        return road.release();
      case 'fragment':
        this.#fragment[action.end] = { bytes: action.bytes, passed: 0 };
        break;
      case 'cut':
        this.isDisturbed = true;
        this.#cutFrom.add(action.end);
        return road.cut(action.as);
    }
  }

  #fire(on: Occasion, end: EndName): void {
    if (this.#triggers.length === 0) return;
    const key = `${on} ${end}`;
    const nth = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, nth);
    const at = this.#triggers.findIndex((one) => one.on === on && one.end === end && one.nth === nth);
    if (at < 0) return;
    const [trigger] = this.#triggers.splice(at, 1);
    try {
      this.#act(trigger!.action);
    } catch (error) {
      this.#object(`thrown inside ${key}: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }

  #end(name: EndName, setup: EndSetup, engine: TlsEngineFactory): End {
    const object = (what: string): void => this.#object(what);
    const { overheadPerRecord, isReal } = this.#ground;
    const limits = resolveLimits({
      ...limitsOf[setup.limits],
      keyUpdates: { burst: 1_000, perSecond: 1_000 },
      renegotiation: setup.renegotiations === 0 ? false : { max: setup.renegotiations },
    });
    return new End({
      name,
      setup,
      probe: new WireProbe(this.#pair[name === 'client' ? 0 : 1], overheadPerRecord, this.#slack, (what) =>
        object(`${name}: ${what}`),
      ),
      engine: watched(engine, object),
      clock: this.#clock.face(),
      limits,
      mayFailWith: (error) => this.#ground.mayFailWith(error),
      largestWrite: Math.min(this.#script.maxRecordBytes * 100, setup.limits === 'tiny' ? 300 : 70 * 1_024),
      isSynchronous: !isReal && this.#script.asynchronous === false,
      overheadPerRecord,
      object,
      fire: (on) => this.#fire(on, name),
    });
  }

  /**
   * What may look like data sealed past demand, and is not: the protected part of a real handshake; and what an asynchronous
   * engine adds to the small records that it has been given and not sealed.
   */
  get #slack(): number {
    if (this.#ground.isReal) return 4_096;
    return this.#script.asynchronous === false ? 0 : 1_024;
  }

  #roadOf(end: EndName): MemoryPair['link']['aToB'] {
    return end === 'client' ? this.#pair.link.aToB : this.#pair.link.bToA;
  }

  /** Small pieces for a while, then larger ones, so that a script of many bytes is no script of many hours. */
  #piece(name: EndName): number {
    const fragment = this.#fragment[name];
    const size = fragment.passed > 1_000 ? fragment.bytes * 256 : fragment.bytes;
    fragment.passed += size;
    return size;
  }

  #object(what: string): void {
    this.wrong.push(`${this.#what}: ${what}`);
  }
}

/** RxJS keeps to itself what is thrown inside a subscription: an engine that throws is heard here. */
function watched<R extends 'client' | 'server'>(
  factory: TlsEngineFactory<R>,
  object: (what: string) => void,
): TlsEngineFactory<R> {
  const make: (...args: Parameters<TlsEngineFactory<R>>) => ReturnType<TlsEngineFactory<R>> = (sink, host) => {
    const engine = factory(sink, host);
    return new Proxy(engine, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          try {
            return Reflect.apply(member, target, args);
          } catch (error) {
            object(`the engine threw: ${String(error)}`);
            throw error;
          }
        };
      },
    });
  };
  return Object.assign(make, { role: factory.role, capabilities: factory.capabilities }) as TlsEngineFactory<R>;
}
