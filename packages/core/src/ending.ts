// The ways out. Every one of them ends here, exactly once, with every intent settled, the transport ended or aborted once, the
// engine destroyed and everybody who waits told.

import { attempt } from './attempt.ts';
import {
  AbortedError,
  type AlertDescription,
  alertForError,
  type LimitExceededError,
  recordHeaderBytes,
  type TlsError,
  type TlsEvent,
} from './engine/index.ts';
import { reporting } from './reporting.ts';
import { hasPeerClosed, maySendActions, phaseOf } from './session-state.ts';
import type { Stage } from './stage.ts';

export class Ending {
  /** The engine broke its contract: it has said nothing, and nothing more is asked of it. */
  engineThrew = false;
  readonly #stage: Stage;
  /** The owner is to hear of the failure once the reader has. */
  #ownerWaits = false;
  /** The wire broke while there was something to hear yet: what the engine has said, or has to say to the bytes that came. */
  #broken: { readonly cause: unknown } | undefined;
  /** What the owner did with the connection failed. */
  #failedWork: { readonly cause: unknown } | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** Uncleanly: the peer is told why where it can be, everybody here hears the same error, the reader at once (`drop`) or after what waits. */
  fail(error: TlsError, drop = false): void {
    const stage = this.#stage;
    const { outbound } = stage;
    if (stage.end !== 'no') return;
    const before = outbound.written;
    const engineIsGone = stage.engine !== undefined && !stage.mayCallEngine;
    this.#latch(error);
    const events = stage.lastWords(stage.mayCallEngine ? () => stage.engine?.abort(alertForError(error)) : undefined);
    const record = stage.engine === undefined ? stage.opening.alertRecord(error) : undefined;
    if (record !== undefined) {
      outbound.ciphertext(record);
      if (stage.observed) events.push(...ownAlert(record.length - recordHeaderBytes, alertForError(error)));
    }
    // An engine that can send any alert has sent one with its last breath, also for an error that names none; not one that threw.
    const engineHasTold = engineIsGone && (error.alert !== undefined || (stage.may.sendsAlerts && !this.engineThrew));
    const peerWasTold = outbound.written > before || engineHasTold;
    this.#finish(error, peerWasTold, drop, events);
  }

  /** Whoever owns the connection lets go of it next, in the middle of something: that is no end, whatever has been written. */
  workFailed(cause: unknown): void {
    this.#failedWork = { cause };
  }

  /** Whoever owned the connection is gone: cut, unless a clean end costs nothing and is none too early. */
  abandon(): void {
    const stage = this.#stage;
    const { outbound, state } = stage;
    if (stage.end === 'clean') return;
    if (stage.end === 'failed') return stage.inbound.reader.fail(stage.error, true);
    if (this.#failedWork !== undefined)
      return this.fail(new AbortedError('the work with the connection failed', this.#failedWork), true);
    let isClosed = state === 'writeClosed' || state === 'closed';
    let events: TlsEvent[] = [];
    const error = new AbortedError('the connection was unsubscribed before it was closed');
    this.#latch(error);
    if (outbound.isSettled && outbound.readiness.maySend && maySendActions(state) && stage.mayCallEngine) {
      const before = outbound.written;
      events = stage.lastWords(() => stage.engine?.sendCloseNotify());
      isClosed = outbound.written > before;
    }
    this.#finish(error, isClosed, true, events);
  }

  /** The wire broke, and what came over it before is being heard. */
  get isBroken(): boolean {
    return this.#broken !== undefined;
  }

  /**
   * The wire broke. What the engine has said is heard first, and what came over the wire before, for as long as that makes
   * progress: it may be why, or the peer's close_notify.
   */
  transportFailed(cause: unknown): void {
    const stage = this.#stage;
    const { inbound, outbound } = stage;
    if (stage.end !== 'no' || this.#broken !== undefined) return;
    const mayHearMore = stage.mayCallEngine && !inbound.isDrained && !inbound.isBlockedByReader;
    if (stage.isCaughtUp && !mayHearMore) return this.#judgeBroken(cause);
    this.#broken = { cause };
    inbound.ended = true;
    outbound.demand = 0;
    stage.closing.watch(); // neither an engine that never answers nor a reader that does not read holds the end up
    stage.turn.run();
  }

  /** A broken wire is harmless when everything was said on both sides. */
  #judgeBroken(cause: unknown): void {
    const stage = this.#stage;
    const { state } = stage;
    const weAreDone = state === 'writeClosed' && stage.closing.isDiscarding;
    const nothingIsDue = stage.outbound.owesNothing && !stage.isWriting && !stage.settings.halfOpen;
    if ((hasPeerClosed(state) || weAreDone) && nothingIsDue) return this.clean();
    const what = cause instanceof Error ? cause.message : String(cause);
    this.fail(new AbortedError(`the transport failed: ${what}`, { cause, retryable: true }));
  }

  /** The transport ended without the peer's close_notify, and the engine is through with all of it. */
  transportEnded(): void {
    const stage = this.#stage;
    if (this.#broken !== undefined) this.#judgeBroken(this.#broken.cause);
    else if (stage.state === 'handshaking' || stage.state === 'starting') this.fail(stage.inbound.truncation());
    else if (stage.settings.truncationIsEnd) stage.answers.closeNotify();
    else if (stage.state === 'writeClosed' && stage.closing.isDiscarding && stage.outbound.owesNothing) this.clean();
    else this.fail(stage.inbound.truncation());
  }

  /** Closing makes no progress; what cannot be lost any more is no failure. */
  stuck(error: LimitExceededError): void {
    if (this.#broken !== undefined) this.#judgeBroken(this.#broken.cause);
    else if (this.#stage.state === 'closed' && this.#stage.outbound.owesNothing) this.clean();
    else this.fail(error);
  }

  clean(): void {
    const stage = this.#stage;
    const { inbound, transport } = stage;
    // We closed and waited no longer: what the peer had left to say is unknown to whoever still reads.
    const isTruncated = stage.state === 'writeClosed';
    stage.end = 'clean';
    stage.release();
    if (stage.closing.isUnwrapping)
      for (const bytes of inbound.takeRemainder().reverse()) reporting(() => transport.unread(bytes));
    else attempt(() => transport.sink.end());
    inbound.forget();
    stage.outbound.finish(undefined);
    stage.endStreams();
    inbound.endReader(isTruncated);
    stage.closing.done();
    stage.owner.ended(undefined);
  }

  /** The reader of plaintext has moved on. */
  readerChanged(): void {
    if (this.#ownerWaits) this.#tellOwner();
  }

  /** From here on it is over: last words may bring an answer while they are written, and it finds nobody. */
  #latch(error: TlsError): void {
    const stage = this.#stage;
    if (error.phase === 'setup') error.phase = phaseOf(stage.state);
    error.safeToReplay = !stage.outbound.handedOver;
    stage.end = 'failed';
    stage.error = error;
  }

  /** The transport goes first: whoever hears of the last words (`events`) and lets go of the connection in there finds nothing left open. */
  #finish(error: TlsError, endFirst: boolean, drop: boolean, events: readonly TlsEvent[]): void {
    const stage = this.#stage;
    const { sink } = stage.transport;
    stage.advance('failed');
    stage.release();
    if (endFirst) attempt(() => sink.end());
    attempt(() => sink.abort(error));
    for (const event of events) stage.events.next(event);
    stage.inbound.forget();
    stage.outbound.finish(error);
    stage.endStreams();
    stage.inbound.reader.fail(error, drop);
    stage.closing.failed(error);
    this.#ownerWaits = true;
    this.#tellOwner();
  }

  /** The owner hears of an unclean end after the reader has; a reader that does not read has as long as closing has. */
  #tellOwner(): void {
    const { inbound, timer, limits, error, owner } = this.#stage;
    const { reader } = inbound;
    if (reader.subscribed && !reader.finished) {
      timer.set(limits.closeTimeout, () => reader.fail(error, true));
      return;
    }
    this.#ownerWaits = false;
    timer.clear();
    owner.ended(error);
  }
}

/** An alert that core sent, where there was no engine to send one. */
const ownAlert = (bytes: number, description: AlertDescription): readonly TlsEvent[] => [
  { type: 'record', direction: 'sent', contentType: 'alert', bytes, inner: 'alert' },
  { type: 'alert', direction: 'sent', level: 'fatal', description },
];
