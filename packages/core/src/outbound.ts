// The road of an intent: write() → queue → engine → ciphertext → transport, and the acks that come back.
//
// Three things move at their own pace here: what the application writes, what the engine will seal now, what the transport
// takes now. Only the queue may grow, and only up to its limits. Application data is sealed while the transport has demand,
// a slice of at most max(16 KiB, demand) at a time, so at most one record goes past demand; small intents that have to wait
// go together, as many as fit into a record and into demand. Handshake records, alerts, key updates and close_notify are the
// engine's own output: they pass at once, in wire order, whatever the demand is.

import { Subject } from 'rxjs';
import type { ByteSink } from './duplex.ts';
import {
  ApiMisuseError,
  type EngineReadiness,
  engineReadiness,
  type LimitName,
  type Limits,
  maxPlaintextRecordBytes,
  type RecordRange,
  type TlsEngine,
  type TlsError,
  type TlsEvent,
} from './engine/index.ts';
import { FlushMarks } from './flush-marks.ts';
import { LedgerBook } from './ledger.ts';
import { besides, SideBySide } from './side-by-side.ts';
import { ackOf, type RefusalReason, type WriteAck } from './write-ack.ts';
import { type ActionKind, type IntentListener, WriteIntent } from './write-intent.ts';
import { WriteQueue } from './write-queue.ts';

/** What the outbound road asks of the stage. */
export interface OutboundHost {
  readonly limits: Limits;
  readonly may: { readonly refusal: RefusalReason | undefined; readonly canUpdateKeys: boolean };
  /** close_notify and data may go to the engine. */
  maySendActions(): boolean;
  /** The peer's close_notify has come: ours needs no readiness. */
  readonly peerHasClosed: boolean;
  /** Whatever the engine has said has been heard, a close_notify of the peer's too. */
  readonly isCaughtUp: boolean;
  /** The handshake is still to be finished. */
  isBeforeHandshake(): boolean;
  closeGiven(): void;
  readonly answers: { engineThrew(cause: unknown): void };
  /** No transport may throw: one that does has failed. */
  readonly ending: { transportFailed(cause: unknown): void };
  readonly events: Subject<TlsEvent>;
  readonly observed: boolean;
  threw(cause: unknown): void;
}

export class Outbound {
  readonly acks: Subject<WriteAck> = new Subject();
  readonly ledger: LedgerBook = new LedgerBook();
  engine: TlsEngine | undefined;
  /** The engine's latest word, also while the outbox has not told it yet. */
  readiness: EngineReadiness = engineReadiness.wantRead;
  /** What the transport takes now. */
  demand = 0;
  /** Ciphertext handed to the transport, and of it what the transport has handed on. */
  written = 0;
  taken = 0;
  /** `updateKeys` and data given to the engine, in plaintext bytes, that it has not sealed into the transport. */
  #inEngine = 0;
  readonly #host: OutboundHost;
  readonly #sink: ByteSink;
  readonly #queue = new WriteQueue();
  readonly #waiting = new SideBySide();
  readonly #marks = new FlushMarks();
  /** Application data has been given to the engine: from here on a replay could double it. */
  handedOver = false;
  #lastIntent = 0;
  /** close_notify was given to the engine, and its ciphertext has not come. */
  #closeIsDue = false;
  /** Taken out of the queue to be lost. */
  #doomed: WriteIntent | undefined;
  readonly #warned: Set<LimitName> = new Set();

  constructor(host: OutboundHost, sink: ByteSink) {
    this.#host = host;
    this.#sink = sink;
  }

  get waitingBytes(): number {
    return this.#queue.waitingBytes;
  }

  get hasUnsent(): boolean {
    return this.#queue.toSend !== undefined;
  }

  get isSettled(): boolean {
    return this.#queue.oldest === undefined;
  }

  /** Every intent is settled; that our close_notify is out may yet be told. */
  get owesNothing(): boolean {
    return this.isSettled || this.#queue.oldest?.kind === 'close';
  }

  /** The transport has taken everything, control records too. */
  get isFlushed(): boolean {
    return this.isSettled && this.taken >= this.written;
  }

  /** Bytes that a write may have now without being refused. */
  get room(): number {
    const { limits } = this.#host;
    const bound = this.#host.isBeforeHandshake() ? limits.maxQueuedBytesBeforeHandshake : limits.maxQueuedBytes;
    return this.#queue.waiting >= limits.maxQueuedWrites ? 0 : Math.max(0, bound - this.#queue.waitingBytes);
  }

  /** Bytes that a write would give to the engine at once, as whole records but for the last: 0 while a write would have to wait. */
  get passesNow(): number {
    if (this.hasUnsent || !this.#host.isCaughtUp || !this.#mayGiveData()) return 0;
    const records = Math.floor((this.demand - this.#inEngine) / maxPlaintextRecordBytes);
    return Math.max(1, records) * maxPlaintextRecordBytes;
  }

  /**
   * Data or a key update. `owned`: the bytes were handed over and need no copy. `mayWait`: more follows in this turn, and
   * what is small shares its record.
   */
  accept(
    kind: ActionKind,
    bytes: Uint8Array | undefined,
    owned: boolean,
    listener?: IntentListener,
    mayWait = false,
  ): WriteIntent {
    const length = bytes?.length ?? 0;
    const intent = new WriteIntent(++this.#lastIntent, kind, length);
    intent.listener = listener;
    const why = this.#host.may.refusal ?? (this.#fits(length) ? undefined : 'queue-full');
    if (why !== undefined) {
      this.ledger.refused += length;
      intent.state = 'refused';
      intent.why = why;
      if (this.acks.observed) this.acks.next({ type: 'refused', intent: intent.id, bytes: length, why });
      return intent;
    }
    this.ledger.accepted += length;
    if (length > 0) intent.rest = bytes;
    const isNext = !this.hasUnsent && !mayWait;
    this.#queue.push(intent);
    if (isNext && length > 0 && this.#host.isCaughtUp && this.#mayGiveData()) this.#giveFirst(intent);
    if (intent.rest !== undefined) intent.rest = this.#waiting.keep(intent.rest, owned);
    this.#tell(intent, 'queued');
    this.#warn();
    return intent;
  }

  /** Puts our close behind everything that was accepted. */
  acceptClose(): void {
    this.#queue.push(new WriteIntent(0, 'close', 0));
  }

  refuse(why: RefusalReason): void {
    if (this.acks.observed) this.acks.next({ type: 'refused', intent: ++this.#lastIntent, bytes: 0, why });
  }

  /** Gives the engine the next action, or the next slice of it. Answers with the work done in bytes, or -1 when there is nothing to do. */
  step(): number {
    const intent = this.#queue.toSend;
    if (intent === undefined || this.engine === undefined || !this.#host.maySendActions()) return -1;
    if (intent.kind === 'data') {
      if (intent.length > 0) return this.#mayGiveData() ? this.#giveSlice(intent) : -1;
      this.#queue.sent(0, true);
      return this.#passed(intent);
    }
    if (!this.readiness.maySend && !(intent.kind === 'close' && this.#host.peerHasClosed)) return -1;
    this.#queue.sent(0, true);
    if (intent.kind === 'close') {
      this.#host.closeGiven();
      this.#closeIsDue = true;
      this.engine.sendCloseNotify();
    } else if (this.#host.may.canUpdateKeys) {
      this.engine.updateKeys?.({ requestPeer: true });
    } else {
      if (this.acks.observed) this.acks.next({ type: 'refused', intent: intent.id, bytes: 0, why: 'not-supported' });
      intent.state = 'lost';
    }
    return this.#passed(intent);
  }

  ciphertext(bytes: Uint8Array): void {
    this.written += bytes.length;
    try {
      this.#sink.write(bytes);
    } catch (cause) {
      this.#host.ending.transportFailed(cause);
    }
  }

  /** The engine has sealed this much more, and its ciphertext has been handed to the transport; 0 is our close_notify. */
  sealed(bytes: number, records: RecordRange | undefined): void {
    if (bytes === 0) this.#closeIsDue = false;
    this.#inEngine -= bytes;
    let left = bytes;
    while (left > 0 && this.#queue.toSeal !== undefined) {
      const intent = this.#queue.toSeal;
      const part = Math.min(left, intent.length - intent.sealed);
      left -= part;
      intent.sealed += part;
      this.ledger.sealed += part;
      if (part > 0) this.#marks.push(this.written, part);
      if (records !== undefined)
        intent.records = intent.records === undefined ? records : { ...intent.records, last: records.last };
      if (intent.sealed < intent.length) break;
      this.#intentSealed(intent);
    }
    this.#sealEmpty();
    this.flush();
  }

  /** The transport has taken this much in all. Called from inside it: what an observer of that throws is not its matter. */
  tookUpTo(taken: number): void {
    this.taken = taken;
    try {
      this.flush();
    } catch (cause) {
      this.#host.threw(cause);
    }
  }

  /** Settles what the transport has taken. */
  flush(): void {
    let left = this.#marks.take(this.taken);
    // First the books, then the news: whoever hears of it may end the connection.
    for (let intent = this.#queue.oldest; left > 0 && intent !== undefined; intent = intent.next) {
      const part = Math.min(left, intent.length - intent.flushed);
      left -= part;
      intent.flushed += part;
      this.ledger.flushed += part;
    }
    for (;;) {
      const intent = this.#queue.oldest;
      if (intent === undefined || intent.state === 'queued' || intent.flushed < intent.length) return;
      this.#queue.settled();
      this.#tell(intent, 'flushed');
    }
  }

  /** TLS 1.2: the peer has closed; what the engine has not seen is lost (RFC 5246 §7.2.1: "discarding any pending writes"). */
  loseUnsent(cause: TlsError): void {
    this.#doomed = this.#queue.takeUnsent();
    this.#waiting.clear();
    this.#loseDoomed(cause);
  }

  /** The end: what is not flushed is lost, and nobody hears more. */
  finish(cause: TlsError | undefined): void {
    this.engine = undefined;
    this.#waiting.clear();
    this.flush(); // what the transport has taken is not lost, though nobody was told yet
    if (cause !== undefined) {
      this.#loseDoomed(cause);
      this.#doomed = this.#queue.takeAll();
      this.#loseDoomed(cause);
    }
    this.acks.complete();
  }

  /** Whoever hears that one is lost may end the connection: the rest is then lost in there, with that cause. */
  #loseDoomed(cause: TlsError): void {
    for (let intent = this.#doomed; intent !== undefined; intent = this.#doomed) {
      this.#doomed = intent.next;
      if (intent.kind === 'close' && this.engine !== undefined) this.acceptClose();
      else this.#lose(intent, cause);
    }
  }

  #fits(length: number): boolean {
    const { limits } = this.#host;
    const queue = this.#queue;
    const bound = this.#host.isBeforeHandshake() ? limits.maxQueuedBytesBeforeHandshake : limits.maxQueuedBytes;
    return queue.waiting < limits.maxQueuedWrites && queue.waitingBytes + length <= bound;
  }

  #mayGiveData(): boolean {
    return (
      this.engine !== undefined &&
      this.readiness.maySend &&
      this.demand - this.#inEngine > 0 &&
      this.#host.maySendActions()
    );
  }

  #giveSlice(intent: WriteIntent): number {
    const rest = intent.rest!;
    const most = Math.max(maxPlaintextRecordBytes, this.demand - this.#inEngine);
    const whole = rest.length <= most;
    let slice = whole ? rest : rest.subarray(0, most);
    this.#queue.sent(slice.length, whole);
    if (!whole) intent.rest = rest.subarray(most);
    else if (this.#queue.toSend?.rest !== undefined) slice = this.#joined(slice);
    this.#inEngine += slice.length;
    this.handedOver = true;
    this.engine!.sendPlaintext(slice);
    if (!this.hasUnsent) this.#waiting.clear();
    return slice.length;
  }

  /** The slice and what waits right behind it: whole intents, as many as a record holds and there is demand for. */
  #joined(slice: Uint8Array): Uint8Array {
    const most = Math.min(maxPlaintextRecordBytes, this.demand - this.#inEngine);
    let { length } = slice;
    for (let rest = this.#queue.toSend?.rest; rest !== undefined; rest = this.#queue.toSend?.rest) {
      if (length + rest.length > most || !besides(slice, length, rest)) break;
      length += rest.length;
      this.#queue.sent(rest.length, true);
    }
    return length === slice.length ? slice : new Uint8Array(slice.buffer, slice.byteOffset, length);
  }

  /** Within `write`: an engine that throws there ends the connection, not the caller. */
  #giveFirst(intent: WriteIntent): void {
    try {
      this.#giveSlice(intent);
    } catch (cause) {
      this.#host.answers.engineThrew(cause);
    }
  }

  /** An action without bytes has passed the engine: it is sealed and flushed as soon as everything before it is. */
  #passed(intent: WriteIntent): number {
    if (!this.hasUnsent) this.#waiting.clear();
    if (this.#queue.toSeal === intent) this.#sealEmpty();
    this.flush();
    return 0;
  }

  /** Intents without bytes are sealed when everything before them is and the engine has seen them. */
  #sealEmpty(): void {
    for (;;) {
      const intent = this.#queue.toSeal;
      if (intent === undefined || intent.length > 0 || intent === this.#queue.toSend) return;
      if (intent.kind === 'close' && this.#closeIsDue) return;
      this.#intentSealed(intent);
    }
  }

  #intentSealed(intent: WriteIntent): void {
    this.#queue.sealed();
    if (intent.state === 'queued') intent.wasSealed = true;
    this.#tell(intent, 'sealed');
  }

  #tell(intent: WriteIntent, type: 'queued' | 'sealed' | 'flushed'): void {
    if (intent.state === 'lost') return;
    intent.state = type;
    if (intent.kind !== 'close' && this.acks.observed) this.acks.next(ackOf(intent, type));
    intent.listener?.intentChanged(intent);
  }

  #lose(intent: WriteIntent, cause: TlsError): void {
    this.ledger.lost += intent.length - intent.flushed;
    intent.state = 'lost';
    intent.cause = cause;
    intent.rest = undefined;
    if (intent.kind !== 'close' && this.acks.observed) this.acks.next(ackOf(intent, 'lost'));
    intent.listener?.intentChanged(intent);
  }

  #warn(): void {
    if (!this.#host.observed) return;
    const bytes = this.#host.isBeforeHandshake() ? 'maxQueuedBytesBeforeHandshake' : 'maxQueuedBytes';
    this.#warnOf(bytes, this.#queue.waitingBytes);
    this.#warnOf('maxQueuedWrites', this.#queue.waiting);
  }

  #warnOf(limit: 'maxQueuedBytesBeforeHandshake' | 'maxQueuedBytes' | 'maxQueuedWrites', used: number): void {
    const max = this.#host.limits[limit];
    if (used * 4 < max * 3) {
      this.#warned.delete(limit);
    } else if (!this.#warned.has(limit)) {
      this.#warned.add(limit);
      this.#host.events.next({ type: 'limit', limit, used, max });
    }
  }
}

/** A write's argument, checked. */
export function checkBytes(bytes: unknown): asserts bytes is Uint8Array {
  if (!(bytes instanceof Uint8Array))
    throw new ApiMisuseError('write(bytes) takes a Uint8Array; encode text with TextEncoder');
}
