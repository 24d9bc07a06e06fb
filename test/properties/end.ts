import {
  AbortedError,
  AlertReceivedError,
  ApiMisuseError,
  type ByteDuplex,
  type EngineSource,
  HandshakeTimeoutError,
  type Ledger,
  LimitExceededError,
  type Limits,
  secure,
  type SecureOptions,
  type TlsConnection,
  TruncationError,
  type WriteAck,
  WriteLostError,
  WriteRefusedError,
} from '@rxtls/core';
import { concat, NEVER, of, Subject, Subscription, takeUntil } from 'rxjs';
import { ByteStream, someBytes } from './byte-stream.ts';
import type { EndName, EndSetup, Occasion } from './script.ts';
import type { ClockFace } from './virtual-clock.ts';
import type { WireProbe } from './wire-probe.ts';

export const limitsOf: Readonly<Record<EndSetup['limits'], Partial<Limits>>> = {
  default: {},
  small: {
    maxQueuedBytes: 20_000,
    maxQueuedBytesBeforeHandshake: 2_000,
    maxQueuedWrites: 16,
    readHighWater: 4_096,
    readLowWater: 1_024,
    writeHighWater: 4_096,
    writeLowWater: 1_024,
    maxBytesPerTurn: 4_096,
    maxStepsPerTurn: 20,
  },
  tiny: {
    maxQueuedBytes: 60,
    maxQueuedBytesBeforeHandshake: 20,
    maxQueuedWrites: 3,
    readHighWater: 50,
    readLowWater: 10,
    writeHighWater: 40,
    writeLowWater: 5,
    maxBytesPerTurn: 1,
    maxStepsPerTurn: 1,
  },
};

/** Whatever the high-water mark is, a whole record is taken. */
const maxWireRecord = 18_437;

interface Intent {
  readonly id: number;
  readonly bytes: number;
  state: WriteAck['type'];
  lost?: Extract<WriteAck, { type: 'lost' }>;
}

export interface EndParts {
  readonly name: EndName;
  readonly setup: EndSetup;
  readonly probe: WireProbe;
  readonly engine: EngineSource<'client'> | EngineSource<'server'>;
  readonly clock: ClockFace;
  readonly limits: Limits;
  /** Errors that a connection may end with besides those of a cut, a close, a timer and a limit. */
  readonly mayFailWith: (error: unknown) => boolean;
  readonly largestWrite: number;
  /** Bytes that a record of data has besides header and plaintext. */
  readonly overheadPerRecord: number;
  /** The engine answers within the call, so that a queue can be counted from outside. */
  readonly isSynchronous: boolean;
  object(what: string): void;
  fire(on: Occasion): void;
}

/** One end of a connection, and all that must be true of it whatever is done. */
export class End {
  readonly parts: EndParts;
  connection: TlsConnection | undefined;
  outcome: 'open' | 'completed' | 'unsubscribed' | { readonly error: unknown } = 'open';
  /** What this end wrote, as the other end is to read it. */
  readonly stream: ByteStream = new ByteStream();
  readonly intents: Map<number, Intent> = new Map();
  plaintextEnd: 'none' | 'completed' | { readonly error: unknown } = 'none';
  /** `close` was called: what is not read may be dropped. */
  isDiscarding = false;
  isClosing = false;
  wasRefusedFull = false;
  plaintextBytes = 0;
  lastLedger: Ledger = { accepted: 0, sealed: 0, flushed: 0, refused: 0, lost: 0, outstanding: 0 };
  readonly #stop = new Subject<void>();
  readonly #early = new Subject<Uint8Array>();
  #earlyIsDone = false;
  readonly #received: Uint8Array[] = [];
  #reader: Subscription | undefined;
  #readerWants = false;
  #credit = 0;
  #lastSealed = 0;
  #lastFlushed = 0;
  #lastQueued = 0;
  #unresolved: Intent[] = [];
  readonly #contents = new Map<number, Uint8Array>();
  #sourceBytes: Uint8Array[] = [];
  #writeFrom: Subscription | undefined;
  #writeFromIsActive = false;
  #pulls: (() => void)[] = [];
  #pullAll = false;
  #inWrite = 0;
  /** Calls that wait for an end; each is told once. */
  readonly #waiting = new Map<string, number>();
  readonly #ended = new Set<string>();
  #firstLost: Intent | undefined;
  #isStarted = false;
  /** `unsubscribe` has returned. */
  #isGone = false;
  #isInReader = false;

  constructor(parts: EndParts) {
    this.parts = parts;
    this.#credit = 0;
  }

  start(): void {
    const { setup, probe, engine, clock, limits } = this.parts;
    const observe: SecureOptions['observe'] = {
      acks: { next: (ack) => this.#ack(ack), complete: () => this.#streamEnded('acks') },
      ledger: { next: (ledger) => this.#ledger(ledger), complete: () => this.#streamEnded('ledger') },
      readiness: {
        next: (readiness) => {
          this.#alive('readiness');
          if (readiness.ready && (readiness.blockedOn.length > 0 || readiness.demand <= 0))
            this.#object('ready and blocked at once');
          this.parts.fire('readiness');
        },
        complete: () => this.#streamEnded('readiness'),
      },
      ...(setup.observeEvents && {
        events: {
          next: () => {
            this.#alive('events');
            this.parts.fire('event');
          },
          complete: () => this.#streamEnded('events'),
        },
      }),
    };
    const transport: ByteDuplex = probe;
    if (this.isOver) return transport.sink.abort(); // unsubscribed before it began
    concat(of(transport), NEVER)
      .pipe(
        secure(engine as EngineSource<'client'>, {
          scheduler: clock,
          limits,
          halfOpen: setup.halfOpen,
          observe,
          ...this.#writesOption(),
        }),
        takeUntil(this.#stop),
      )
      .subscribe({
        next: (connection) => this.#connected(connection),
        error: (error: unknown) => this.#over({ error }),
        complete: () => {
          if (this.outcome === 'open') this.#over('completed');
        },
      });
    this.#isStarted = true;
    if (this.isOver) this.parts.probe.isReleased = true;
  }

  // ── what is done to it ─────────────────────────────────────────────────────────────────────────────────────────────

  write(size: number): void {
    const content = someBytes(Math.min(size, this.parts.largestWrite));
    const copy = content.slice();
    if (this.connection === undefined) {
      if (!this.#early.observed || this.#earlyIsDone || this.isOver) return;
      this.#sourceBytes.push(content);
      this.#early.next(copy);
    } else {
      this.#inWrite++;
      const name = `write of ${size}`;
      const acks = this.connection.write(copy);
      let known = false;
      const seen: string[] = [];
      this.#waits(name);
      acks.subscribe({
        next: (ack) => {
          if (!known) this.#contents.set(ack.intent, content);
          known = true;
          seen.push(ack.type);
        },
        error: (error: unknown) => {
          this.#told(name);
          const last = seen.at(-1);
          const matches =
            (last === 'lost' && error instanceof WriteLostError) ||
            (last === 'refused' && error instanceof WriteRefusedError) ||
            (last === undefined && error instanceof ApiMisuseError && error.phase === 'closed');
          if (!matches) this.#object(`a write's acks (${seen.join()}) ended with ${String(error)}`);
        },
        complete: () => {
          this.#told(name);
          if (seen.join() !== 'queued,sealed,flushed' && !seen.join().endsWith('flushed'))
            this.#object(`a write's acks (${seen.join()}) completed`);
        },
      });
      this.#inWrite--;
    }
    copy.fill(0xee); // the caller's again
  }

  writeFrom(sizes: readonly number[], slow: boolean): void {
    if (this.connection === undefined || this.parts.setup.writes !== 'none') return;
    if (this.#writeFromIsActive || this.#inWrite > 0) return;
    this.resolve();
    this.#sourceBytes = [];
    this.#writeFromIsActive = true;
    this.#waits('writeFrom');
    const done = (): void => {
      this.#told('writeFrom');
      this.#writeFromIsActive = false;
    };
    const source = slow ? this.#slowly(sizes) : this.#chunks(sizes);
    this.#writeFrom = this.connection.writeFrom(source).subscribe({
      error: (error: unknown) => {
        done();
        const known =
          error instanceof WriteLostError || error instanceof WriteRefusedError || error instanceof ApiMisuseError;
        const isEnd = error instanceof AbortedError || error instanceof TruncationError || isTimer(error);
        if (!known && !isEnd && !(error instanceof AlertReceivedError) && !this.parts.mayFailWith(error))
          this.#object(`writeFrom ended with ${String(error)}`);
      },
      complete: done,
    });
    if (!this.#writeFromIsActive) this.#writeFrom = undefined;
  }

  stopWriteFrom(): void {
    if (!this.#writeFromIsActive || this.#writeFrom === undefined) return;
    this.#writeFrom.unsubscribe();
    this.#told('writeFrom');
    this.#writeFromIsActive = false;
  }

  pull(): void {
    this.#pulls.shift()?.();
  }

  updateKeys(): void {
    if (this.connection === undefined || this.isOver) return;
    try {
      this.connection.updateKeys();
    } catch (error) {
      // It has ended, and the owner hears of it when the reader has.
      if (!(error instanceof ApiMisuseError && error.phase === 'closed')) throw error;
    }
  }

  close(kind: 'close' | 'closeWrite'): void {
    if (this.connection === undefined) {
      if (this.parts.setup.writes === 'subject') {
        this.#earlyIsDone = true;
        this.isClosing = true;
        this.#early.complete();
      }
      return;
    }
    this.isClosing = true;
    if (kind === 'close') this.isDiscarding = true;
    this.#waits(kind);
    this.connection[kind]().subscribe({
      error: () => this.#told(kind),
      complete: () => {
        this.#told(kind);
        if (kind === 'closeWrite' && this.outcome === 'open' && this.lastAcked.outstanding > 0)
          this.#object('closeWrite completed with writes outstanding');
      },
    });
  }

  unsubscribe(): void {
    if (this.outcome !== 'open') return;
    this.outcome = 'unsubscribed';
    // From inside the very news of another end: the rest of that news is on its way.
    const isEnding = this.parts.probe.aborts + this.parts.probe.ends > 0;
    this.#stop.next();
    if (isEnding) return;
    this.#isGone = true;
    if (this.#isStarted) this.#released();
  }

  read(as: 'nobody' | 'credit' | 'endless'): void {
    this.#reader?.unsubscribe();
    this.#reader = undefined;
    this.#readerWants = false;
    if (this.connection === undefined || as === 'nobody') return;
    const { connection } = this;
    let over = false;
    this.#readerWants = as === 'endless';
    // A trigger inside the first emission, before `subscribe` has returned, can stop this reader too.
    const stop = new Subject<void>();
    const reader = new Subscription(() => stop.next());
    this.#reader = reader;
    const bytes$ = as === 'credit' ? connection.source.bytes : connection.plaintext;
    bytes$.pipe(takeUntil(stop)).subscribe({
      next: (bytes) => {
        if (this.outcome === 'unsubscribed') this.#object('plaintext after unsubscribe');
        if (over) this.#object('plaintext after its end');
        if (as === 'credit' && this.#credit <= 0) this.#object('plaintext without credit');
        if (as === 'credit') this.#credit -= bytes.length;
        this.plaintextBytes += bytes.length;
        this.#received.push(bytes.slice());
        this.#isInReader = true;
        this.parts.fire('plaintext');
        this.#isInReader = false;
      },
      error: (error: unknown) => {
        over = true;
        reader.unsubscribe();
        this.#plaintextEnded({ error });
      },
      complete: () => {
        if (reader.closed) return;
        over = true;
        reader.unsubscribe();
        this.#plaintextEnded('completed');
      },
    });
  }

  grant(bytes: number): void {
    if (this.connection === undefined) return;
    this.#credit += bytes;
    this.connection.source.request(bytes);
  }

  /** Everything that this end holds back itself goes on. */
  releaseAll(): void {
    this.#pullAll = true;
    for (let pull = this.#pulls.shift(); pull !== undefined; pull = this.#pulls.shift()) pull();
    if (!this.#readerWants && this.connection !== undefined && this.outcome !== 'unsubscribed') this.read('endless');
  }

  // ── what must be true ──────────────────────────────────────────────────────────────────────────────────────────────

  get isOver(): boolean {
    return this.outcome !== 'open';
  }

  /** The ledger, counted from the acks. */
  get lastAcked(): { accepted: number; lost: number; outstanding: number; unsettled: number } {
    let accepted = 0;
    let lost = 0;
    let outstanding = 0;
    let unsettled = 0;
    for (const { bytes, state, lost: what } of this.intents.values()) {
      if (state === 'refused') continue;
      accepted += bytes;
      if (what !== undefined) lost += bytes - what.flushed;
      if (state === 'queued' || state === 'sealed') {
        outstanding += bytes;
        unsettled++;
      }
    }
    return { accepted, lost, outstanding, unsettled };
  }

  /** Finds out what the accepted intents carry, and appends it to the stream. */
  resolve(): void {
    for (const intent of this.#unresolved) this.stream.write(this.#contents.get(intent.id) ?? this.#fromSource(intent));
    this.#unresolved = [];
  }

  /** After every step, for both ends once both are resolved. */
  check(peer: End): void {
    const { limits, probe, isSynchronous } = this.parts;
    for (const bytes of this.#received.splice(0)) {
      const wrong = peer.stream.check(bytes);
      if (wrong !== undefined) this.#object(wrong);
    }
    const held = probe.received.data - probe.received.dataRecords * this.parts.overheadPerRecord - this.plaintextBytes;
    const isReading = !this.isDiscarding && !this.isOver && this.connection !== undefined;
    if (isReading && held > Math.max(limits.readHighWater, maxWireRecord) + probe.largestChunk + this.#slack)
      this.#object(`${held} bytes were taken from the transport and not read, over ${limits.readHighWater}`);
    // Between the steps of a turn that has yielded, sealed bytes are on their way to the transport.
    if (!isSynchronous || this.isOver || this.parts.setup.limits !== 'default') return;
    const { accepted, lost, sealed } = this.lastLedger;
    const waiting = accepted - lost - sealed;
    const bound = Math.max(limits.maxQueuedBytes, limits.maxQueuedBytesBeforeHandshake);
    const most = this.connection === undefined ? limits.maxQueuedBytesBeforeHandshake : bound;
    if (waiting > most) this.#object(`${waiting} bytes are queued, over ${most}`);
  }

  /** The script is over and everything has been let go. */
  finish(peer: End, isTls13: boolean): void {
    const { name, probe, clock } = this.parts;
    if (!this.isOver) this.#object('the connection never ended');
    for (const [what, times] of this.#waiting) if (times > 0) this.#object(`${what} was never told an end`);
    for (const { id, state } of this.intents.values())
      if (state === 'queued' || state === 'sealed') this.#object(`intent ${id} has no terminal ack: ${state}`);
    if (probe.ends + probe.aborts === 0) this.#object('the transport was neither ended nor aborted');
    if (clock.pending > 0) this.#object(`${clock.pending} timers are left`);
    if (this.outcome === 'completed' && this.plaintextEnd === 'none' && this.connection !== undefined)
      this.#object(`the plaintext of the ${name} has no end`);
    if (this.plaintextEnd !== 'completed' || this.isDiscarding) return;
    if (!peer.isClosing && peer.outcome !== 'unsubscribed' && !this.isClosing)
      this.#object('plaintext completed though nobody closed');
    const firstLost = peer.#firstLost;
    if (isTls13 || firstLost === undefined) {
      const { written, read } = peer.stream;
      if (read !== written) this.#object(`plaintext completed after ${read} of ${written} bytes`);
    }
  }

  /** Nothing disturbed the script: whatever was accepted has arrived. */
  arrived(peer: End): void {
    const { outstanding, unsettled } = this.lastAcked;
    if (unsettled > 0)
      this.#object(`${unsettled} intents of ${outstanding} bytes are stuck, though everything was let go`);
    if (!peer.isDiscarding && this.#firstLost === undefined && this.stream.read !== this.stream.written)
      this.#object(`${this.stream.read} of ${this.stream.written} bytes have arrived, though everything was let go`);
  }

  // ── what it says ───────────────────────────────────────────────────────────────────────────────────────────────────

  #connected(connection: TlsConnection): void {
    if (this.connection !== undefined) this.#object('a second connection was emitted');
    this.#alive('the connection');
    this.connection = connection;
    const { setup } = this.parts;
    this.read(setup.read);
    this.parts.fire('connected');
  }

  #over(outcome: End['outcome']): void {
    if (this.outcome !== 'open') return;
    this.outcome = outcome;
    this.#released();
    if (typeof outcome === 'object') {
      const { error } = outcome;
      const isKnown =
        error instanceof AbortedError ||
        error instanceof TruncationError ||
        error instanceof AlertReceivedError ||
        ((error instanceof WriteRefusedError || error instanceof WriteLostError) &&
          this.parts.setup.writes !== 'none') ||
        isTimer(error) ||
        (error instanceof LimitExceededError && error.limit === 'renegotiation');
      if (!isKnown && !this.parts.mayFailWith(error))
        this.#object(`the connection ended with ${String(error)} ${String((error as Error).cause ?? '')}`);
      if (this.#reader !== undefined && !this.#reader.closed)
        this.#object('the owner heard of the failure before the reader');
    }
    if (outcome === 'completed' && this.lastAcked.unsettled > 0)
      this.#object('a clean end with writes that are not settled');
  }

  #released(): void {
    this.parts.probe.isReleased = true;
    for (const stream of ['acks', 'ledger', 'readiness'])
      if ((this.#isStarted || this.outcome !== 'unsubscribed') && !this.#ended.has(stream))
        this.#object(`${stream} goes on after the end`);
    // The reader hears of the end when its handler has returned, and the owner after it.
    if (this.parts.clock.pending > 0 && !this.#isInReader)
      this.#object(`${this.parts.clock.pending} timers are left at the end`);
    const { lost, accepted, outstanding } = this.lastLedger;
    const acked = this.lastAcked;
    if (outstanding !== 0) this.#object(`the last ledger has ${outstanding} bytes outstanding`);
    if (acked.accepted !== accepted || acked.lost !== lost)
      this.#object(`acks add up to ${JSON.stringify(acked)}, the ledger to ${JSON.stringify(this.lastLedger)}`);
  }

  #streamEnded(stream: string): void {
    if (this.#ended.has(stream)) this.#object(`${stream} ended twice`);
    this.#ended.add(stream);
  }

  #plaintextEnded(end: Exclude<End['plaintextEnd'], 'none'>): void {
    this.#readerWants = true;
    const before = this.plaintextEnd;
    if (this.outcome === 'unsubscribed' && end === 'completed' && before !== 'completed')
      this.#object('plaintext completed after unsubscribe');
    if (typeof before === 'object' && (end === 'completed' || before.error !== end.error))
      this.#object('plaintext has two ends');
    if (before === 'completed' && end !== 'completed') this.#object('plaintext has two ends');
    this.plaintextEnd = end;
  }

  #ack(ack: WriteAck): void {
    this.#alive('an ack');
    const before = this.intents.get(ack.intent);
    const from = before?.state ?? 'nothing';
    const allowed: Record<WriteAck['type'], readonly string[]> = {
      queued: ['nothing'],
      sealed: ['queued'],
      flushed: ['sealed'],
      refused: ['nothing'],
      lost: ['queued', 'sealed'],
    };
    if (!allowed[ack.type].includes(from)) this.#object(`intent ${ack.intent} went from ${from} to ${ack.type}`);
    const intent: Intent = before ?? { id: ack.intent, bytes: ack.bytes, state: ack.type };
    intent.state = ack.type;
    if (ack.type === 'lost') {
      intent.lost = ack;
      this.#firstLost ??= intent;
      if (ack.flushed > ack.sealed || ack.sealed > ack.bytes) this.#object(`lost in parts: ${JSON.stringify(ack)}`);
    }
    this.intents.set(ack.intent, intent);
    this.#inOrder(ack);
    if (ack.type === 'queued') this.#unresolved.push(intent);
    if (ack.type === 'refused' && ack.why === 'queue-full') this.#refusedFull(ack.bytes);
    this.parts.fire('ack');
  }

  #inOrder({ type, intent }: WriteAck): void {
    if (type === 'queued' && intent <= this.#lastQueued) this.#object(`queued out of order: ${intent}`);
    if (type === 'sealed' && intent <= this.#lastSealed) this.#object(`sealed out of order: ${intent}`);
    if (type === 'flushed' && intent <= this.#lastFlushed) this.#object(`flushed out of order: ${intent}`);
    if (type === 'queued') this.#lastQueued = intent;
    if (type === 'sealed') this.#lastSealed = intent;
    if (type === 'flushed') this.#lastFlushed = intent;
  }

  #refusedFull(bytes: number): void {
    this.wasRefusedFull = true;
    const { limits } = this.parts;
    const { outstanding, unsettled } = this.lastAcked;
    const bound =
      this.connection === undefined
        ? Math.min(limits.maxQueuedBytesBeforeHandshake, limits.maxQueuedBytes)
        : limits.maxQueuedBytes;
    if (outstanding + bytes <= bound && unsettled < limits.maxQueuedWrites)
      this.#object(`a write of ${bytes} was refused with ${outstanding} of ${bound} bytes outstanding`);
  }

  #ledger(ledger: Ledger): void {
    this.#alive('the ledger');
    const { accepted, sealed, flushed, refused, lost, outstanding } = ledger;
    const before = this.lastLedger;
    if (accepted !== flushed + lost + outstanding) this.#object(`unbalanced: ${JSON.stringify(ledger)}`);
    if (outstanding < 0 || sealed > accepted || flushed > sealed)
      this.#object(`impossible ledger: ${JSON.stringify(ledger)}`);
    if (
      accepted < before.accepted ||
      sealed < before.sealed ||
      flushed < before.flushed ||
      refused < before.refused ||
      lost < before.lost
    )
      this.#object(`the ledger went back: ${JSON.stringify(before)} to ${JSON.stringify(ledger)}`);
    this.lastLedger = ledger;
    this.parts.fire('ledger');
  }

  #alive(what: string): void {
    if (this.outcome === 'unsubscribed' && this.#isGone) this.#object(`${what} after unsubscribe`);
    else if (this.outcome !== 'open' && this.outcome !== 'unsubscribed') this.#object(`${what} after the end`);
  }

  #waits(what: string): void {
    this.#waiting.set(what, (this.#waiting.get(what) ?? 0) + 1);
  }

  #told(what: string): void {
    const times = this.#waiting.get(what) ?? 0;
    if (times === 0) this.#object(`${what} was told an end twice`);
    this.#waiting.set(what, times - 1);
  }

  #writesOption(): Pick<SecureOptions, 'writes'> {
    const { writes } = this.parts.setup;
    if (writes === 'none') return {};
    if (writes === 'subject') return { writes: this.#early };
    this.isClosing = true;
    return { writes: this.#chunks(writes.list) };
  }

  /** Chunks in an array that is used again. */
  *#chunks(sizes: readonly number[]): Iterable<Uint8Array> {
    for (const size of sizes) {
      const content = someBytes(Math.min(size, this.parts.largestWrite));
      this.#sourceBytes.push(content);
      const copy = content.slice();
      yield copy;
      copy.fill(0xee);
    }
  }

  async *#slowly(sizes: readonly number[]): AsyncIterable<Uint8Array> {
    for (const chunk of this.#chunks(sizes)) {
      // The generator runs on only when the chunk has been taken, so its array is whole.
      const content = chunk;
      if (!this.#pullAll) await new Promise<void>((resolve) => this.#pulls.push(resolve));
      yield content;
    }
  }

  #fromSource({ bytes }: Intent): Uint8Array {
    const taken = new Uint8Array(bytes);
    for (let filled = 0; filled < bytes; ) {
      const first = this.#sourceBytes[0];
      if (first === undefined) {
        this.#object('more was accepted than was given');
        break;
      }
      const part = Math.min(first.length, bytes - filled);
      taken.set(first.subarray(0, part), filled);
      filled += part;
      if (part === first.length) this.#sourceBytes.shift();
      else this.#sourceBytes[0] = first.subarray(part);
    }
    return taken;
  }

  get #slack(): number {
    return this.parts.isSynchronous ? 0 : 16_384 + 512;
  }

  #object(what: string): void {
    this.parts.object(`${this.parts.name}: ${what}`);
  }
}

const isTimer = (error: unknown): boolean =>
  error instanceof HandshakeTimeoutError || (error instanceof LimitExceededError && error.limit === 'closeTimeout');
