// Writing from a source at the connection's pace: pull while the queue has room, stop at the high-water mark, go on at the low
// one. A chunk of any size is cut to what fits and the rest kept; an observable cannot be stopped, so while a rest is kept its
// next chunk is refused.

import { isObservable, type Observer, Subscription } from 'rxjs';
import { type ByteInput, inputEnd, isByteSource, type Puller, pullerOf } from './byte-input.ts';
import type { ByteSource } from './duplex.ts';
import { AbortedError, maxPlaintextRecordBytes, TlsError, WriteRefusedError } from './engine/index.ts';
import type { Ledger } from './ledger.ts';
import { checkBytes } from './outbound.ts';
import { reporting } from './reporting.ts';
import { smallBytes } from './side-by-side.ts';
import type { Stage } from './stage.ts';
import type { StageFollower } from './stage-roles.ts';
import { lostError, refusedError } from './write-errors.ts';
import type { IntentListener, WriteIntent } from './write-intent.ts';

/**
 * What is pulled ahead of the transport, where the limits do not allow less. It waits as copies: a few records keep the engine busy,
 * and half a megabyte of them lives long enough to be collected as old (bulk over engine-node took 1.4 times the CPU with it).
 */
const aheadHighWater = 65_536;
const aheadLowWater = 16_384;

export class WriteFrom implements StageFollower, IntentListener {
  isWriting = true;
  readonly #stage: Stage;
  readonly #observer: Observer<Ledger>;
  readonly #subscription = new Subscription();
  #puller: Puller | undefined;
  #source: ByteSource | undefined;
  /** Asked of a ByteSource and not arrived. */
  #asked = 0;
  #rest: Uint8Array | undefined;
  /** The rest is ours: nobody else writes to it. */
  #restIsOwned = false;
  /** The rest lies in an array that we made, with room behind it. */
  #restMayGrow = false;
  #inputIsDone = false;
  /** Intents that are not settled. */
  #outstanding = 0;
  #isFull = false;
  #isFilling = false;
  #isPulling = false;
  /** Bytes written since turns were held up. */
  #gathered = 0;
  #isSettled = false;

  constructor(stage: Stage, observer: Observer<Ledger>) {
    this.#stage = stage;
    this.#observer = observer;
  }

  /** @throws ApiMisuseError for what is no source of bytes */
  start(input: ByteInput | ByteSource): void {
    this.#stage.follow(this);
    if (isByteSource(input)) this.#source = input;
    else if (!isObservable(input)) this.#puller = pullerOf(input);
    const bytes = this.#source?.bytes ?? (isObservable(input) ? input : undefined);
    if (bytes !== undefined) {
      this.#subscription.add(
        bytes.subscribe({
          next: (chunk) => this.#pushed(chunk),
          error: (error: unknown) => this.#fail(error),
          complete: () => {
            this.#inputIsDone = true;
            this.#fill();
          },
        }),
      );
    }
    this.#fill();
  }

  /** Stops pulling; what was accepted stays in the queue. */
  stop(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#letGo();
  }

  turned(): void {
    this.#fill();
  }

  ended(error: TlsError | undefined): void {
    if (this.#isSettled) return;
    if (this.#inputIsDone && this.#rest === undefined && this.#outstanding === 0) return this.#fill();
    this.#fail(error ?? new WriteRefusedError('the connection was closed before everything was written'));
  }

  intentChanged(intent: WriteIntent): void {
    if (this.#isSettled) return;
    if (intent.state === 'lost') {
      this.#fail(lostError(intent));
    } else if (intent.state === 'flushed') {
      this.#outstanding--;
      this.#observer.next(this.#stage.outbound.ledger.snapshot());
      this.#fill();
    }
  }

  #pushed(chunk: Uint8Array): void {
    if (this.#isSettled) return;
    if (this.#rest !== undefined && this.#source === undefined) {
      this.#fail(
        new WriteRefusedError(
          'the observable emitted more than the queue takes; what can wait should be pulled from an iterable or a ByteSource',
        ),
      );
      return;
    }
    this.#take(chunk, this.#source !== undefined);
    this.#fill();
    if (this.#rest === undefined || this.#restIsOwned) return;
    this.#rest = new Uint8Array(this.#rest); // whoever emitted it may write to it again; a Buffer's slice() is no copy
    this.#restIsOwned = true;
  }

  #take(chunk: unknown, owned: boolean): void {
    try {
      checkBytes(chunk);
    } catch (error) {
      return this.#fail(error);
    }
    if (this.#source !== undefined) this.#asked -= chunk.length;
    if (this.#rest === undefined) {
      this.#rest = chunk;
      this.#restIsOwned = owned;
      this.#restMayGrow = false;
    } else this.#rest = this.#joined(this.#rest, chunk);
  }

  /** With as much room again behind it, so that many small chunks are not copied over and over, nor kept one by one. */
  #joined(rest: Uint8Array, chunk: Uint8Array): Uint8Array {
    const length = rest.length + chunk.length;
    let { buffer, byteOffset: start } = rest;
    if (!this.#restMayGrow || start + length > buffer.byteLength) {
      buffer = new ArrayBuffer(2 * length);
      start = 0;
      new Uint8Array(buffer).set(rest);
      this.#restIsOwned = true;
      this.#restMayGrow = true;
    }
    const joined = new Uint8Array(buffer, start, length);
    joined.set(chunk, rest.length);
    return joined;
  }

  /** Writes and pulls until the queue is full, the source has nothing now, a turn's worth was pulled, or all is done. */
  #fill(): void {
    if (this.#isFilling || this.#isSettled) return;
    this.#isFilling = true;
    try {
      this.#work();
    } finally {
      this.#send();
      this.#isFilling = false;
    }
  }

  #work(): void {
    const { limits, turn } = this.#stage;
    let bytes = 0;
    let steps = 0;
    while (!this.#isSettled) {
      if (this.#rest !== undefined) {
        const { length } = this.#rest;
        if ((length > smallBytes || this.#gathered + length > maxPlaintextRecordBytes) && this.#send()) continue;
        bytes += length;
        steps++;
        if (this.#writeRest()) continue;
      } else if (this.#inputIsDone) {
        if (this.#outstanding === 0) this.#complete();
      } else if (bytes >= limits.maxBytesPerTurn || steps >= limits.maxStepsPerTurn) {
        return turn.later();
      } else if (this.#pull()) continue;
      if (!this.#send()) return;
    }
  }

  /** What is small waits for what can be pulled behind it, a record's worth at most, and goes with it: until `#send` no turn begins. */
  #gather(length: number): void {
    if (this.#gathered === 0) this.#stage.turn.enter();
    this.#gathered += length;
  }

  /** Answers whether a turn has run: there may be room then, or an end. */
  #send(): boolean {
    if (this.#gathered === 0) return false;
    this.#gathered = 0;
    this.#stage.turn.leave();
    return true;
  }

  /** Answers whether something was written. */
  #writeRest(): boolean {
    const rest = this.#rest!;
    const room = this.#isLent ? Math.min(this.#room, this.#stage.outbound.passesNow) : this.#room;
    if (room <= 0 && rest.length > 0) return false;
    const isWhole = rest.length <= room;
    const part = isWhole ? rest : rest.subarray(0, room);
    this.#rest = isWhole ? undefined : rest.subarray(room);
    this.#outstanding++;
    const isSmall = part.length > 0 && part.length <= smallBytes;
    if (isSmall) this.#gather(part.length);
    const intent = this.#stage.write(part, this.#restIsOwned, this, isSmall);
    if (intent.state === 'refused') this.#fail(refusedError(intent));
    return true;
  }

  /**
   * The rest is the array of whoever gave it, and stays as it is until the next one is asked for: so it goes to the engine as it is, when
   * the engine takes it, and no copy of it waits. Before the handshake is done a copy waits, so that the source is started.
   */
  get #isLent(): boolean {
    return (
      this.#puller !== undefined &&
      !this.#restIsOwned &&
      this.#rest!.length > smallBytes &&
      !this.#stage.isBeforeHandshake()
    );
  }

  /** Answers whether there may be something to write now. */
  #pull(): boolean {
    const room = this.#room;
    if (room <= 0) return false;
    if (this.#source !== undefined) {
      if (this.#asked >= room) return false;
      const more = room - this.#asked; // with the debt of a chunk that had more
      this.#asked += more;
      try {
        this.#source.request(more);
      } catch (error) {
        this.#fail(error);
      }
      return this.#rest !== undefined;
    }
    if (this.#puller === undefined || this.#isPulling) return false;
    let next: unknown;
    try {
      next = this.#puller.next();
    } catch (error) {
      this.#fail(error);
      return false;
    }
    if (typeof (next as PromiseLike<unknown> | undefined)?.then !== 'function') {
      this.#pulled(next);
      return true;
    }
    this.#isPulling = true;
    (next as PromiseLike<unknown>).then(
      (chunk) => {
        this.#isPulling = false;
        if (this.#isSettled) return;
        this.#pulled(chunk);
        this.#fill();
      },
      (error: unknown) => this.#fail(error),
    );
    return false;
  }

  #pulled(chunk: unknown): void {
    if (chunk === inputEnd) this.#inputIsDone = true;
    else this.#take(chunk, false);
  }

  /** Bytes that may be queued now: none from the high-water mark on until it is down to the low one. */
  get #room(): number {
    const { outbound, limits } = this.#stage;
    const waiting = outbound.waitingBytes;
    // What is pushed at us cannot be put off: it has all the room there is.
    const isPulled = this.#puller !== undefined || this.#source !== undefined;
    const highWater = isPulled ? Math.min(limits.writeHighWater, aheadHighWater) : limits.writeHighWater;
    if (waiting >= highWater) this.#isFull = true;
    else if (waiting <= (isPulled ? Math.min(limits.writeLowWater, aheadLowWater) : limits.writeLowWater))
      this.#isFull = false;
    return this.#isFull ? 0 : Math.min(outbound.room, highWater - waiting);
  }

  #complete(): void {
    this.#isSettled = true;
    this.#observer.next(this.#stage.outbound.ledger.snapshot());
    this.#letGo();
    reporting(() => this.#observer.complete());
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#letGo();
    reporting(() => this.#observer.error(error));
  }

  #letGo(): void {
    this.isWriting = false;
    this.#rest = undefined;
    this.#subscription.unsubscribe();
    if (!this.#inputIsDone) this.#puller?.stop();
    if (this.#asked < 0) this.#source?.request(-this.#asked); // the next reader starts without our debt
    this.#stage.unfollow(this);
  }
}

/**
 * The `writes` of the options: from the first byte on; completion closes our side, an error ends the connection. Closing our
 * side ourselves ends them too: what had not been pulled was never promised to anybody.
 */
export function writeAtOnce(stage: Stage, input: ByteInput | ByteSource): void {
  const failed = (cause: unknown): void => {
    if (cause instanceof WriteRefusedError && stage.may.refusal === 'closing') return;
    stage.fail(cause instanceof TlsError ? cause : new AbortedError('the source of writes failed', { cause }));
  };
  const writer = new WriteFrom(stage, { next: () => undefined, error: failed, complete: () => stage.queueClose() });
  try {
    writer.start(input);
  } catch (error) {
    failed(error);
  }
}
