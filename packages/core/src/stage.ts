// THE JUNCTION: one engine, two roads and a transport, for one connection.
//
// Everything that can happen to a connection enters here (bytes from the transport, a write, demand, an answer of the engine,
// a timer) and ends in `#turn`, a loop that does one small thing at a time until nothing is left to do: hand out one answer of
// the engine, give the engine one slice of ciphertext, or give it one action. Only one turn runs at a time. What user code
// asks for from inside it queues behind, so the stack never grows and wire order is intent order; only teardown acts at once.
//
// The engine's callbacks append to the outbox and return. A synchronous engine answers inside our call and the turn goes on
// with it; an asynchronous one answers whenever it likes, and a turn follows in a microtask, when its own code has returned.
//
// What was refused: driving by RxJS operators (a closure and a subscription per record), and deciding readiness from our own
// queue (the engine may need a read before it can write, so a full queue says nothing).

import { type Observer, type SchedulerLike, Subject, Subscription } from 'rxjs';
import type { Admission } from './admission.ts';
import { Closing, type ClosingHost } from './closing.ts';
import type { ByteDuplex } from './duplex.ts';
import {
  AbortedError,
  AlertReceivedError,
  ApiMisuseError,
  alertForError,
  type ClientHello,
  EngineFailureError,
  type EngineReadiness,
  type EngineTask,
  HandshakeTimeoutError,
  type LimitExceededError,
  type LimitName,
  type Limits,
  type NegotiatedParameters,
  type RecordRange,
  type TlsEngine,
  type TlsEngineFactory,
  TlsError,
  type TlsEvent,
} from './engine/index.ts';
import { EnginePort, type EnginePortOwner } from './engine-port.ts';
import type { EngineSupply } from './engine-source.ts';
import { Inbound, type InboundHost } from './inbound.ts';
import { type Ledger, sameLedger } from './ledger.ts';
import { Opening, type OpeningHost } from './opening.ts';
import { checkBytes, Outbound, type OutboundHost } from './outbound.ts';
import { Outbox, type OutboxReader } from './outbox.ts';
import { type Readiness, sameReadiness } from './readiness.ts';
import { isRenegotiating, readinessOf } from './readiness-of.ts';
import { Replayed } from './replayed.ts';
import { runUserFunction } from './run-user-function.ts';
import type { SecureSettings } from './secure-options.ts';
import {
  mayReceive,
  maySendActions,
  mayWrite,
  nextState,
  phaseOf,
  type SessionEvent,
  type SessionState,
} from './session-state.ts';
import { Timer } from './timer.ts';
import { refusedParameters } from './verify-negotiated.ts';
import type { RefusalReason } from './write-ack.ts';
import { writeAtOnce } from './write-from.ts';
import type { IntentListener, WriteIntent } from './write-intent.ts';

/** Whoever made the stage hears how the connection fares. */
export interface StageOwner {
  /** Handshake and verification passed; called once. */
  connected(): void;
  /** It ended; called once, with the error of an unclean end. */
  ended(error: TlsError | undefined): void;
}

/** Follows a connection turn by turn. */
export interface StageFollower {
  /** It has bytes to write yet. */
  readonly isWriting: boolean;
  /** A turn is over: there may be room, or news. */
  turned(): void;
  /** The connection has ended. */
  ended(error: TlsError | undefined): void;
}

type Host = OutboxReader & EnginePortOwner & InboundHost & OutboundHost & OpeningHost & ClosingHost;

const settled = Promise.resolve();

export class Stage implements Host {
  readonly transport: ByteDuplex;
  readonly settings: SecureSettings;
  readonly limits: Limits;
  readonly scheduler: SchedulerLike;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly closing: Closing;
  readonly events: Subject<TlsEvent> = new Subject();
  readonly readiness: Replayed<Readiness>;
  readonly ledger: Replayed<Ledger>;
  state: SessionState = 'starting';
  parameters: NegotiatedParameters | undefined;
  end: 'no' | 'clean' | 'failed' = 'no';
  error: TlsError | undefined;
  /** Whoever follows the connection turn by turn; a `writeFrom` among them keeps our side open. */
  readonly followers: Set<StageFollower> = new Set();
  /** Users' functions that run. */
  tasks = 0;
  readonly #owner: StageOwner;
  readonly #opening: Opening;
  readonly #outbox = new Outbox();
  readonly #port: EnginePort;
  readonly #timer: Timer;
  readonly #subscriptions = new Subscription();
  readonly #startedAt: number;
  #engine: TlsEngine | undefined;
  #factory: TlsEngineFactory | undefined;
  #hello: ClientHello | undefined;
  #engineGone = false;
  #renegotiations = 0;
  #running = false;
  #entered = 0;
  #turnIsDue = false;
  #yielded: Subscription | undefined;
  #inboundIsNext = true;
  #ownerWaitsForReader = false;
  readonly #turnNow = (): void => {
    this.#turnIsDue = false;
    this.#yielded = undefined;
    this.#turn();
  };

  constructor(
    transport: ByteDuplex,
    supply: EngineSupply,
    settings: SecureSettings,
    owner: StageOwner,
    admission?: Admission,
  ) {
    this.transport = transport;
    this.settings = settings;
    this.limits = settings.limits;
    this.scheduler = settings.scheduler;
    this.#owner = owner;
    this.inbound = new Inbound(this, transport.source);
    this.outbound = new Outbound(this, transport.sink);
    this.closing = new Closing(this);
    this.#port = new EnginePort(this.#outbox, this);
    this.#opening = new Opening(this, supply, admission);
    this.#timer = new Timer(settings.scheduler);
    this.#startedAt = settings.host.monotonicClock();
    this.readiness = new Replayed(() => readinessOf(this), sameReadiness);
    this.ledger = new Replayed(() => this.outbound.ledger.snapshot(), sameLedger);
  }

  /** Subscribes to the transport and begins. The owner has registered its teardown before. */
  start(): void {
    this.#entered++;
    const { readiness, acks, ledger, events } = this.settings.observe;
    if (events) this.events.subscribe(this.#guarded(events));
    if (acks) this.outbound.acks.subscribe(this.#guarded(acks));
    if (ledger) this.ledger.observable.subscribe(this.#guarded(ledger));
    if (readiness) this.readiness.observable.subscribe(this.#guarded(readiness));
    this.deadline('handshakeTimeout');
    if (this.settings.writes !== undefined) writeAtOnce(this, this.settings.writes);
    const { sink, source } = this.transport;
    const failed = (error: unknown): void => this.transportFailed(error);
    this.#subscriptions.add(sink.demand.subscribe({ next: (demand) => this.#demandIs(demand), error: failed }));
    this.#subscriptions.add(
      // the sink's failure is told by `demand`
      sink.taken.subscribe({ next: (taken) => this.#takenIs(taken), error: () => undefined }),
    );
    if (this.end === 'no') this.#opening.start();
    if (this.end === 'no')
      this.#subscriptions.add(
        source.bytes.subscribe({
          next: (bytes) => this.#receive(bytes),
          error: failed,
          complete: () => {
            this.inbound.ended = true;
            this.#turn();
          },
        }),
      );
    this.#leave();
  }

  // ── what the application asks for ──────────────────────────────────────────────────────────────────────────────────

  write(bytes: Uint8Array, owned: boolean, listener?: IntentListener): WriteIntent {
    checkBytes(bytes);
    this.#entered++;
    const intent = this.outbound.accept('data', bytes, owned, listener);
    this.#leave();
    return intent;
  }

  updateKeys(): void {
    this.#entered++;
    if (this.parameters !== undefined && !this.mayUpdateKeys()) this.outbound.refuse('not-supported');
    else this.outbound.accept('key-update', undefined, true);
    this.#leave();
  }

  queueClose(): void {
    if (this.end !== 'no' || this.closing.isQueued) return;
    this.closing.isQueued = true;
    this.#entered++;
    this.outbound.acceptClose();
    this.#advance('closeQueued');
    this.#leave();
  }

  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    if (this.#engineGone || this.#engine?.exportKeyingMaterial === undefined)
      throw new ApiMisuseError('no keying material: the connection has ended, or its engine has no exporter');
    return this.#engine.exportKeyingMaterial(label, context, length);
  }

  discardPlaintext(): void {
    if (!this.inbound.reader.subscribed) this.inbound.reader.discard();
    this.#turn();
  }

  /** From now on hears of every turn and of the end. */
  follow(follower: StageFollower): void {
    this.followers.add(follower);
  }

  unfollow(follower: StageFollower): void {
    if (this.followers.delete(follower)) this.#turn();
  }

  /** Whoever owned the connection is gone: cut, unless a clean end costs nothing. */
  abandon(): void {
    if (this.end === 'clean') return;
    if (this.end === 'failed') return this.inbound.reader.fail(this.error, true);
    let isClosed = this.state === 'writeClosed' || this.state === 'closed';
    if (
      this.outbound.isSettled &&
      this.outbound.readiness.maySend &&
      maySendActions(this.state) &&
      this.#mayCallEngine
    ) {
      const before = this.outbound.written;
      this.#entered++;
      this.#engine?.sendCloseNotify();
      this.#outbox.drainCiphertext(this);
      isClosed = this.outbound.written > before;
    }
    this.#finish(new AbortedError('the connection was unsubscribed before it was closed'), isClosed, true);
  }

  // ── the turn ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #turn(): void {
    if (this.#running || this.#entered > 0 || this.end !== 'no') return;
    this.#running = true;
    let steps = 0;
    let bytes = 0;
    while (this.end === 'no') {
      const work = this.#step();
      if (work < 0) {
        if (this.#settle()) continue;
        this.inbound.ask();
        if (this.#outbox.isEmpty && !this.inbound.hasWork) break;
        continue;
      }
      bytes += work;
      if (++steps < this.limits.maxStepsPerTurn && bytes < this.limits.maxBytesPerTurn) continue;
      this.#yield();
      break;
    }
    this.#running = false;
    this.readiness.check();
    this.ledger.check();
    if (this.end === 'no') for (const follower of this.followers) follower.turned();
  }

  /** One small thing; answers with its size in bytes, or -1 when there was nothing to do. */
  #step(): number {
    const work = this.#outbox.deliver(this);
    if (work >= 0) return work;
    this.#inboundIsNext = !this.#inboundIsNext;
    this.#entered++;
    let given = this.#inboundIsNext ? this.inbound.step() : this.outbound.step();
    if (given < 0) given = this.#inboundIsNext ? this.outbound.step() : this.inbound.step();
    this.#entered--;
    return given;
  }

  /** Nothing is left to do: is it time for something new? */
  #settle(): boolean {
    this.closing.check();
    if (this.end !== 'no') return true;
    if (this.inbound.isDrained && mayReceive(this.state)) {
      this.#transportEnded();
      return true;
    }
    if (this.inbound.isDrained && this.state === 'handshaking') {
      this.fail(this.inbound.truncation());
      return true;
    }
    if (this.inbound.ended && this.state === 'starting' && this.#engine === undefined) {
      this.fail(this.inbound.truncation());
      return true;
    }
    if (this.state === 'closed' && this.outbound.isFlushed) {
      this.#finishClean();
      return true;
    }
    const mayCloseItself = this.state === 'readClosed' && !this.settings.halfOpen && !this.closing.isQueued;
    if (mayCloseItself && this.inbound.reader.finished && !this.#isWriting && !this.outbound.hasUnsent) {
      this.queueClose();
      return true;
    }
    if (this.state === 'lastClosing' || this.state === 'closed') this.closing.watch();
    this.#timeRenegotiation();
    return false;
  }

  #yield(): void {
    if (this.#yielded !== undefined) return;
    this.#yielded = this.scheduler.schedule(this.#turnNow, 0);
    this.#subscriptions.add(this.#yielded);
  }

  #leave(): void {
    this.#entered--;
    this.#turn();
  }

  turnSoon(): void {
    if (this.#running || this.#entered > 0 || this.#turnIsDue) return;
    this.#turnIsDue = true;
    void settled.then(this.#turnNow);
  }

  // ── the transport ──────────────────────────────────────────────────────────────────────────────────────────────────

  #receive(bytes: Uint8Array): void {
    if (this.end !== 'no') return;
    this.#entered++;
    this.inbound.receive(bytes);
    if (this.#engine === undefined) this.#opening.receive(bytes);
    this.#leave();
  }

  #demandIs(demand: number): void {
    this.outbound.demand = demand;
    this.#turn();
  }

  #takenIs(taken: number): void {
    this.outbound.taken = taken;
    this.outbound.flush();
    this.#turn();
  }

  /** The wire broke. Harmless when everything was said on both sides. */
  transportFailed(cause: unknown): void {
    if (this.end !== 'no') return;
    const { state } = this;
    const peerIsDone = state === 'closed' || state === 'readClosed' || state === 'lastClosing';
    const weAreDone = state === 'writeClosed' && this.closing.isDiscarding;
    if ((peerIsDone || weAreDone) && this.outbound.isSettled && !this.#isWriting && !this.settings.halfOpen) {
      this.#finishClean();
      return;
    }
    const what = cause instanceof Error ? cause.message : String(cause);
    this.fail(new AbortedError(`the transport failed: ${what}`, { cause, retryable: true }));
  }

  /** The transport ended without the peer's close_notify, and the engine is through with all of it. */
  #transportEnded(): void {
    if (this.settings.truncationIsEnd) this.closeNotify();
    else if (this.state === 'writeClosed' && this.closing.isDiscarding && this.outbound.isSettled) this.#finishClean();
    else this.fail(this.inbound.truncation());
  }

  // ── the engine's answers, one at a time ────────────────────────────────────────────────────────────────────────────

  ciphertext(bytes: Uint8Array): void {
    this.outbound.ciphertext(bytes);
  }

  sealed(bytes: number, records: RecordRange | undefined): void {
    this.outbound.sealed(bytes, records);
  }

  plaintext(bytes: Uint8Array): void {
    if (this.parameters === undefined) {
      this.fail(new EngineFailureError('the engine gave plaintext before the handshake was done'));
      return;
    }
    const { reader } = this.inbound;
    if (this.closing.isDiscarding && !(reader.subscribed && reader.credit > 0)) return;
    this.inbound.plaintext(bytes);
  }

  task(task: EngineTask): void {
    const { limits, scheduler } = this;
    const { name, alert } = task;
    const run = runUserFunction<unknown>({
      name,
      alert,
      scheduler,
      milliseconds: limits.taskTimeout,
      run: () => task.run(),
      resolve: (value) => {
        this.#entered++;
        this.tasks--;
        if (this.#mayCallEngine) task.resolve(value);
        this.#leave();
      },
      reject: (error) => {
        this.#entered++;
        this.tasks--;
        if (this.#mayCallEngine) task.reject(error);
        this.fail(error);
        this.#leave();
      },
    });
    this.tasks++;
    if (!run.closed) this.#subscriptions.add(run);
  }

  negotiated(parameters: NegotiatedParameters): void {
    const refused = refusedParameters(parameters, this.#hello);
    if (refused !== undefined) return this.fail(refused);
    this.parameters = parameters;
    this.#advance('negotiated');
    this.#timer.clear();
    this.#opening.end();
    if (this.events.observed)
      this.event({ type: 'handshake', step: 'negotiated', milliseconds: this.#age(), version: parameters.version });
    if (this.end === 'no') this.#owner.connected();
  }

  event(event: TlsEvent): void {
    this.events.next(event);
  }

  closeNotify(): void {
    if (this.parameters === undefined) {
      this.fail(new AlertReceivedError('the peer closed during the handshake', { alert: 'close_notify' }));
      return;
    }
    const after = this.inbound.closeNotify();
    if (after > 0 && !this.closing.isUnwrapping && this.events.observed) this.event({ type: 'ignored', bytes: after });
    this.#advance('peerClosed');
    if (!this.#halfCloses) {
      this.outbound.loseUnsent(new AbortedError('the peer closed before this was sent', { phase: 'closing' }));
      this.queueClose();
    }
    this.inbound.reader.complete();
  }

  failed(error: TlsError): void {
    this.fail(error);
  }

  // ── what the parts ask for ─────────────────────────────────────────────────────────────────────────────────────────

  get observed(): boolean {
    return this.events.observed;
  }

  get progress(): number {
    return this.outbound.taken + this.inbound.received;
  }

  get isWriteClosed(): boolean {
    return (this.state === 'writeClosed' || this.state === 'closed') && this.outbound.isFlushed;
  }

  refusal(): RefusalReason | undefined {
    const peerClosed = this.state === 'readClosed' || this.state === 'lastClosing' || this.state === 'closed';
    if (peerClosed && !this.#halfCloses) return 'peer-closed';
    return mayWrite(this.state) && !this.closing.isQueued ? undefined : 'closing';
  }

  maySendActions(): boolean {
    return maySendActions(this.state) && this.#mayCallEngine;
  }

  mayUpdateKeys(): boolean {
    const version = this.parameters?.version;
    if (version === undefined || this.#engine?.updateKeys === undefined) return false;
    if (!this.#factory?.capabilities.keyUpdate.includes(version)) return false;
    if (version === 'TLSv1.3') return true;
    const { renegotiation } = this.limits;
    return renegotiation !== false && this.#renegotiations++ < renegotiation.max;
  }

  isBeforeHandshake(): boolean {
    return this.parameters === undefined;
  }

  closeGiven(): void {
    this.#advance('closeSent');
  }

  readinessTold(state: EngineReadiness): void {
    this.outbound.readiness = state;
  }

  consumed(bytes: number): void {
    this.inbound.consumed(bytes);
  }

  engineFailed(): void {
    this.#engineGone = true;
  }

  readerChanged(): void {
    if (this.#ownerWaitsForReader) this.#tellOwner();
    else this.#turn();
  }

  readerThrew(cause: unknown): void {
    this.fail(new EngineFailureError('the reader of plaintext threw', { cause }));
  }

  deadline(limit: LimitName): void {
    const milliseconds = this.limits[limit] as number;
    this.#timer.set(milliseconds, () =>
      this.fail(
        new HandshakeTimeoutError(limit, `not done within ${milliseconds} ms (limits.${limit})`, {
          alert: 'handshake_failure',
        }),
      ),
    );
  }

  helloComplete(hello: ClientHello): void {
    this.#hello = hello;
    if (this.events.observed) this.event({ type: 'handshake', step: 'client-hello', milliseconds: this.#age() });
  }

  admitted(): void {
    if (this.events.observed) this.event({ type: 'handshake', step: 'admitted', milliseconds: this.#age() });
  }

  waitFor(state: EngineReadiness): void {
    this.outbound.readiness = state;
    this.readiness.check();
  }

  taskBegins(task: Subscription): void {
    this.tasks++;
    this.#subscriptions.add(task);
  }

  taskEnds(): void {
    this.tasks = Math.max(0, this.tasks - 1);
  }

  makeEngine(factory: TlsEngineFactory): void {
    if (this.end !== 'no') return;
    this.#entered++;
    try {
      this.#engine = factory(this.#port, this.settings.host);
    } catch (cause) {
      this.fail(cause instanceof TlsError ? cause : new EngineFailureError('the engine could not be made', { cause }));
    }
    this.#factory = factory;
    this.inbound.engine = this.#engine;
    this.outbound.engine = this.#engine;
    this.#advance('engineMade');
    this.#leave();
  }

  stuck(error: LimitExceededError): void {
    if (this.state === 'closed' && this.outbound.isSettled) this.#finishClean();
    else this.fail(error);
  }

  // ── the ends ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Ends the connection uncleanly: the peer is told why where it can be, everybody here hears the same error. */
  fail(error: TlsError): void {
    if (this.end !== 'no') return;
    const before = this.outbound.written;
    this.#entered++;
    if (this.#mayCallEngine) this.#engine?.abort(alertForError(error));
    this.#outbox.drainCiphertext(this);
    const record = this.#engine === undefined ? this.#opening.alertRecord(error) : undefined;
    if (record !== undefined) this.outbound.ciphertext(record);
    const wasTold = this.outbound.written > before || (this.#engineGone && error.alert !== undefined);
    this.#finish(error, wasTold, false);
  }

  #finish(error: TlsError, endFirst: boolean, drop: boolean): void {
    if (error.phase === 'setup') error.phase = phaseOf(this.state);
    error.safeToReplay = !this.outbound.handedOver;
    this.end = 'failed';
    this.error = error;
    this.#advance('failed');
    this.#release();
    const { sink } = this.transport;
    if (endFirst) sink.end();
    sink.abort(error);
    this.inbound.forget();
    this.outbound.finish(error);
    this.#endStreams();
    this.inbound.reader.fail(error, drop);
    this.closing.failed(error);
    this.#ownerWaitsForReader = true;
    this.#tellOwner();
  }

  #finishClean(): void {
    const truncated = this.state === 'writeClosed' ? this.inbound.truncation() : undefined;
    this.end = 'clean';
    this.#release();
    if (this.closing.isUnwrapping) this.#handBack();
    else this.transport.sink.end();
    this.inbound.forget();
    this.outbound.finish(undefined);
    this.#endStreams();
    if (truncated === undefined) this.inbound.reader.complete();
    else this.inbound.reader.fail(truncated, false);
    this.closing.done();
    this.#owner.ended(undefined);
  }

  /** Lets go of the engine, the transport and the clock. */
  #release(): void {
    this.#port.shut();
    this.#engineGone = true;
    this.#engine?.destroy();
    this.#timer.clear();
    this.#subscriptions.unsubscribe();
    this.#opening.end();
  }

  #endStreams(): void {
    for (const follower of this.followers) follower.ended(this.error);
    this.followers.clear();
    this.readiness.end();
    this.ledger.end();
    this.events.complete();
  }

  /** What came after the peer's close_notify goes back in front of the transport. */
  #handBack(): void {
    for (const bytes of this.inbound.takeRemainder().reverse()) this.transport.unread(bytes);
  }

  /** The owner hears of an unclean end after the reader has; a reader that does not read has as long as closing has. */
  #tellOwner(): void {
    const { reader } = this.inbound;
    if (reader.subscribed && !reader.finished) {
      this.#timer.set(this.limits.closeTimeout, () => reader.fail(this.error, true));
      return;
    }
    this.#ownerWaitsForReader = false;
    this.#timer.clear();
    this.#owner.ended(this.error);
  }

  // ── small things ───────────────────────────────────────────────────────────────────────────────────────────────────

  get #mayCallEngine(): boolean {
    return this.#engine !== undefined && !this.#engineGone;
  }

  get #halfCloses(): boolean {
    const version = this.parameters?.version;
    return version !== undefined && this.#factory?.capabilities.halfClose.includes(version) === true;
  }

  get #isWriting(): boolean {
    for (const follower of this.followers) if (follower.isWriting) return true;
    return false;
  }

  #advance(event: SessionEvent): void {
    this.state = nextState(this.state, event);
  }

  #age(): number {
    return this.settings.host.monotonicClock() - this.#startedAt;
  }

  #timeRenegotiation(): void {
    if (this.parameters === undefined) return;
    if (!isRenegotiating(this)) this.#timer.clear();
    else if (!this.#timer.isSet) this.deadline('handshakeTimeout');
  }

  #guarded<T>(observer: Partial<Observer<T>>): Partial<Observer<T>> {
    return {
      next: (value) => {
        try {
          observer.next?.(value);
        } catch (cause) {
          this.fail(new EngineFailureError('an observer of the connection threw', { cause }));
        }
      },
      complete: () => observer.complete?.(),
    };
  }
}
