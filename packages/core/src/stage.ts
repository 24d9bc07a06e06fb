// THE JUNCTION: one engine, two roads and a transport, for one connection.
//
// Everything that can happen to a connection enters here (bytes from the transport, a write, demand, an answer of the engine, a timer)
// and ends in a turn (turn.ts): a loop that, until nothing is left to do, hands out one answer of the engine, or gives it one slice of
// ciphertext or one action. Only one turn runs at a time. What user code asks for from inside it queues behind, so the stack never
// grows and wire order is intent order; only teardown acts at once.
//
// The engine's callbacks append to the outbox and return. A synchronous engine answers inside our call and the turn goes on
// with it; an asynchronous one answers whenever it likes, and a turn follows in a microtask, when its own code has returned.
//
// What was refused: driving by RxJS operators (a closure and a subscription per record), and deciding readiness from our own
// queue (the engine may need a read before it can write, so a full queue says nothing). The parts: opening.ts (how it comes to an
// engine), inbound.ts and outbound.ts (the two roads), engine-answers.ts (what it says), closing.ts (who waits for which end), ending.ts.

import { type SchedulerLike, Subscription } from 'rxjs';
import type { Admission } from './admission.ts';
import { attempt } from './attempt.ts';
import { Closing } from './closing.ts';
import type { ByteDuplex } from './duplex.ts';
import {
  ApiMisuseError,
  EngineFailureError,
  type EngineReadiness,
  type Limits,
  type NegotiatedParameters,
  type TlsEngine,
  type TlsEngineFactory,
  TlsError,
  type TlsEvent,
} from './engine/index.ts';
import { Ending } from './ending.ts';
import { EngineAnswers } from './engine-answers.ts';
import { EnginePort, type EnginePortOwner } from './engine-port.ts';
import type { EngineSupply } from './engine-source.ts';
import { EventStream } from './event-stream.ts';
import { Inbound, type InboundHost } from './inbound.ts';
import { type Ledger, sameLedger } from './ledger.ts';
import { observe } from './observe.ts';
import { Opening } from './opening.ts';
import { checkBytes, Outbound, type OutboundHost } from './outbound.ts';
import { Outbox } from './outbox.ts';
import { Permissions } from './permissions.ts';
import { type Readiness, sameReadiness } from './readiness.ts';
import { readinessOf } from './readiness-of.ts';
import { Replayed } from './replayed.ts';
import { reporting } from './reporting.ts';
import type { SecureSettings } from './secure-options.ts';
import { hasPeerClosed, maySendActions, nextState, type SessionEvent, type SessionState } from './session-state.ts';
import type { StageFollower, StageOwner } from './stage-roles.ts';
import { Timer } from './timer.ts';
import { Turn, type TurnHost } from './turn.ts';
import { writeAtOnce } from './write-from.ts';
import type { IntentListener, WriteIntent } from './write-intent.ts';

type Host = TurnHost & EnginePortOwner & InboundHost & OutboundHost;

export class Stage implements Host {
  readonly transport: ByteDuplex;
  readonly settings: SecureSettings;
  readonly limits: Limits;
  readonly scheduler: SchedulerLike;
  readonly owner: StageOwner;
  readonly opening: Opening;
  readonly inbound: Inbound;
  readonly outbound: Outbound;
  readonly answers: EngineAnswers;
  readonly closing: Closing;
  readonly ending: Ending;
  readonly may: Permissions;
  readonly timer: Timer;
  readonly turn: Turn;
  readonly events: EventStream;
  readonly readiness: Replayed<Readiness>;
  readonly ledger: Replayed<Ledger>;
  state: SessionState = 'starting';
  end: 'no' | 'clean' | 'failed' = 'no';
  error: TlsError | undefined;
  engine: TlsEngine | undefined;
  parameters: NegotiatedParameters | undefined;
  /** Users' functions that run. */
  tasks = 0;
  readonly #followers: Set<StageFollower> = new Set();
  readonly #outbox = new Outbox();
  readonly #port: EnginePort;
  readonly #subscriptions = new Subscription();
  #engineGone = false;
  #inboundIsNext = true;

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
    this.owner = owner;
    this.events = new EventStream(() => settings.host.monotonicClock());
    this.opening = new Opening(this, supply, admission);
    this.inbound = new Inbound(this, transport.source);
    this.outbound = new Outbound(this, transport.sink);
    this.answers = new EngineAnswers(this);
    this.closing = new Closing(this);
    this.ending = new Ending(this);
    this.may = new Permissions(this);
    this.timer = new Timer(settings.scheduler);
    this.turn = new Turn(this, settings.scheduler, this.limits.maxStepsPerTurn, this.limits.maxBytesPerTurn);
    this.#port = new EnginePort(this.#outbox, this);
    this.readiness = new Replayed(() => readinessOf(this), sameReadiness);
    this.ledger = new Replayed(() => this.outbound.ledger.snapshot(), sameLedger);
  }

  /** Subscribes to the transport and begins. The owner has registered its teardown before. */
  start(): void {
    this.turn.enter();
    const { sink, source } = this.transport;
    // A transport that is broken from the start says so at once: whoever observes is to hear it too.
    let isObserved = false;
    let early: { readonly error: unknown } | undefined;
    const failed = (error: unknown): void => {
      if (isObserved) this.ending.transportFailed(error);
      else early = { error };
    };
    this.#subscriptions.add(sink.demand.subscribe({ next: (demand) => this.#demandIs(demand), error: failed }));
    const ignored = (): void => undefined; // `demand` tells of the sink's failure
    this.#subscriptions.add(sink.taken.subscribe({ next: (taken) => this.#takenIs(taken), error: ignored }));
    observe(this);
    isObserved = true;
    if (early !== undefined) this.ending.transportFailed(early.error);
    if (this.settings.writes !== undefined && this.end === 'no') writeAtOnce(this, this.settings.writes);
    if (this.end === 'no') this.opening.start();
    if (this.end === 'no')
      this.#subscriptions.add(
        source.bytes.subscribe({
          next: (bytes) => this.#receive(bytes),
          error: failed,
          complete: () => {
            this.inbound.ended = true;
            this.turn.run();
          },
        }),
      );
    // Before anything is written: the answer of a peer that then cuts at once is heard only where there was credit for it.
    if (this.end === 'no') this.inbound.ask();
    this.turn.leave();
  }

  // ── what the application asks for ──────────────────────────────────────────────────────────────────────────────────

  write(bytes: Uint8Array, owned: boolean, listener?: IntentListener, mayWait?: boolean): WriteIntent {
    checkBytes(bytes);
    this.turn.enter();
    const intent = this.outbound.accept('data', bytes, owned, listener, mayWait);
    this.turn.leave();
    return intent;
  }

  updateKeys(): void {
    this.turn.enter();
    if (this.parameters !== undefined && !this.may.updateKeys) this.outbound.refuse('not-supported');
    else if (this.outbound.accept('key-update', undefined, true).state !== 'refused') this.may.renegotiations++;
    this.turn.leave();
  }

  queueClose(): void {
    if (this.end !== 'no' || this.closing.isQueued) return;
    this.closing.isQueued = true;
    this.turn.enter();
    this.outbound.acceptClose();
    this.advance('closeQueued');
    this.turn.leave();
  }

  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    if (!this.mayCallEngine || this.engine?.exportKeyingMaterial === undefined)
      throw new ApiMisuseError('no keying material: the connection has ended, or its engine has no exporter');
    return this.engine.exportKeyingMaterial(label, context, length);
  }

  /** From now on hears of every turn and of the end. */
  follow(follower: StageFollower): void {
    this.#followers.add(follower);
  }

  unfollow(follower: StageFollower): void {
    if (this.#followers.delete(follower)) this.turn.run();
  }

  get isWriting(): boolean {
    for (const follower of this.#followers) if (follower.isWriting) return true;
    return false;
  }

  // ── the turn ───────────────────────────────────────────────────────────────────────────────────────────────────────

  get isOver(): boolean {
    return this.end !== 'no';
  }

  step(): number {
    const work = this.#outbox.deliver(this.answers);
    if (work >= 0) return work;
    this.#inboundIsNext = !this.#inboundIsNext;
    this.turn.enter();
    let given = 0;
    try {
      given = this.#inboundIsNext ? this.inbound.step() : this.outbound.step();
      if (given < 0) given = this.#inboundIsNext ? this.outbound.step() : this.inbound.step();
    } catch (cause) {
      this.answers.engineThrew(cause);
    }
    this.turn.leave();
    return given;
  }

  settle(): boolean {
    const { inbound, outbound, closing } = this;
    closing.check();
    // To resume, or what a closer has written, may have made the engine say more: first that.
    if (this.isOver || !this.#outbox.isEmpty) return true;
    const { state } = this;
    const isCut = inbound.isDrained || (inbound.ended && this.engine === undefined);
    const peerIsDone = hasPeerClosed(state);
    if (this.ending.isBroken ? isCut || peerIsDone : isCut && !peerIsDone) {
      this.ending.transportEnded();
      return true;
    }
    if (state === 'closed' && outbound.isFlushed) {
      this.ending.clean();
      return true;
    }
    const mayCloseItself = state === 'readClosed' && !this.settings.halfOpen && !closing.isQueued;
    if (mayCloseItself && inbound.reader.finished && !this.isWriting && !outbound.hasUnsent) {
      this.queueClose();
      return true;
    }
    // Without half-close the peer has to answer our close_notify.
    const peerMustClose = state === 'writeClosed' && !this.may.halfClose;
    if (state === 'lastClosing' || state === 'closed' || peerMustClose) closing.watch();
    this.opening.timeRenegotiation();
    inbound.ask();
    return !this.#outbox.isEmpty || inbound.hasWork;
  }

  turned(): void {
    this.readiness.check();
    this.ledger.check();
    if (!this.isOver) for (const follower of this.#followers) follower.turned();
  }

  threw(cause: unknown): void {
    this.fail(new EngineFailureError('an observer of the connection threw', { cause }));
  }

  turnSoon(): void {
    this.turn.soon();
  }

  #receive(bytes: Uint8Array): void {
    if (this.isOver || this.ending.isBroken) return;
    this.turn.enter();
    this.inbound.receive(bytes);
    if (this.engine === undefined) this.opening.receive(bytes);
    this.turn.leave();
  }

  #demandIs(demand: number): void {
    this.outbound.demand = demand;
    this.turn.run();
  }

  #takenIs(taken: number): void {
    this.turn.enter();
    this.outbound.tookUpTo(taken);
    this.turn.leave();
  }

  // ── what the parts ask for ─────────────────────────────────────────────────────────────────────────────────────────

  get observed(): boolean {
    return this.events.observed;
  }

  get mayCallEngine(): boolean {
    return this.engine !== undefined && !this.#engineGone;
  }

  get peerHasClosed(): boolean {
    return this.state === 'lastClosing';
  }

  get isCaughtUp(): boolean {
    return this.#outbox.isEmpty;
  }

  maySendActions(): boolean {
    return maySendActions(this.state) && this.mayCallEngine;
  }

  isBeforeHandshake(): boolean {
    return this.parameters === undefined;
  }

  closeGiven(): void {
    this.advance('closeSent');
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
    this.ending.readerChanged();
    this.turn.run();
  }

  readerThrew(cause: unknown): void {
    this.ending.fail(new EngineFailureError('the reader of plaintext threw', { cause }));
  }

  handshakeDone(told: NegotiatedParameters): void {
    const { generation } = this.opening;
    const parameters = generation === undefined ? told : { ...told, generation };
    this.parameters = parameters;
    this.advance('negotiated');
    this.timer.clear();
    this.opening.done(parameters);
    if (this.closing.isQueued) this.advance('closeQueued');
    if (!this.isOver) this.owner.connected();
  }

  /** For a subscription that ends with the connection. */
  add(subscription: Subscription): void {
    this.#subscriptions.add(subscription);
  }

  /** Makes this connection's engine. */
  adopt(factory: TlsEngineFactory): void {
    if (this.isOver) return;
    this.turn.enter();
    try {
      this.engine = factory(this.#port, this.settings.host);
      this.may.factory = factory;
      this.inbound.engine = this.engine;
      this.outbound.engine = this.engine;
      this.advance('engineMade');
    } catch (cause) {
      this.fail(cause instanceof TlsError ? cause : new EngineFailureError('no engine could be made', { cause }));
    }
    this.turn.leave();
  }

  fail(error: TlsError): void {
    this.ending.fail(error);
  }

  advance(event: SessionEvent): void {
    this.state = nextState(this.state, event);
  }

  /** A last call of the engine, and whatever ciphertext is left goes to the transport; no turn follows. Answers with what is to be told of it. */
  lastWords(call: (() => void) | undefined): TlsEvent[] {
    this.turn.enter();
    attempt(call);
    const events = this.#outbox.drain(this.answers);
    this.turn.leave();
    return events;
  }

  /** Lets go of the engine, the transport and the clock. */
  release(): void {
    this.#port.shut();
    this.#engineGone = true;
    attempt(() => this.engine?.destroy());
    this.timer.clear();
    this.turn.stop();
    reporting(() => this.#subscriptions.unsubscribe());
    this.opening.end();
  }

  endStreams(): void {
    for (const follower of this.#followers) reporting(() => follower.ended(this.error));
    this.#followers.clear();
    this.readiness.end();
    this.ledger.end();
    this.events.end(this.error);
  }
}
