import type { WriteIntent } from './write-intent.ts';

/**
 * Every action from its acceptance to its end, in one list with three cursors that only move forward: what the engine gets
 * next, what is sealed next, and the oldest that the transport has not taken. Each action settles exactly once by construction.
 *
 * ```
 *   oldest ──► sealed … ──► toSeal ──► in the engine … ──► toSend ──► waiting … ──► newest
 * ```
 */
export class WriteQueue {
  /** The oldest that is not settled. */
  oldest: WriteIntent | undefined;
  /** The oldest that is not wholly sealed. */
  toSeal: WriteIntent | undefined;
  /** The oldest that is not wholly given to the engine. */
  toSend: WriteIntent | undefined;
  #newest: WriteIntent | undefined;
  /** Actions that hold memory and that the transport's demand does not bound: those not given to the engine, and empty ones not settled. */
  waiting = 0;
  /** Bytes not given to the engine. */
  waitingBytes = 0;

  push(intent: WriteIntent): void {
    if (this.#newest !== undefined && this.oldest !== undefined) this.#newest.next = intent;
    this.#newest = intent;
    this.oldest ??= intent;
    this.toSeal ??= intent;
    this.toSend ??= intent;
    this.waiting++;
    this.waitingBytes += intent.rest?.length ?? 0;
  }

  /** The engine has this much more of `toSend`; `whole` when nothing of it is left. */
  sent(bytes: number, whole: boolean): void {
    const intent = this.toSend!;
    this.waitingBytes -= bytes;
    if (!whole) return;
    intent.rest = undefined;
    this.toSend = intent.next;
    if (intent.length > 0) this.waiting--;
  }

  /** `toSeal` is wholly sealed. */
  sealed(): void {
    this.toSeal = this.toSeal!.next;
  }

  /** `oldest` is settled. */
  settled(): void {
    const intent = this.oldest!;
    if (intent.length === 0) this.waiting--;
    this.oldest = intent.next;
    intent.next = undefined;
  }

  /** Takes everything out, oldest first, for the caller to settle. */
  takeAll(): WriteIntent | undefined {
    const first = this.oldest;
    this.oldest = this.toSeal = this.toSend = this.#newest = undefined;
    this.waiting = 0;
    this.waitingBytes = 0;
    return first;
  }

  /** Takes everything out that the engine has not seen, oldest first, for the caller to settle. */
  takeUnsent(): WriteIntent | undefined {
    const first = this.toSend;
    if (first === undefined) return undefined;
    let last: WriteIntent | undefined;
    for (let intent = this.oldest; intent !== first; intent = intent?.next) last = intent;
    if (last === undefined) this.oldest = undefined;
    else last.next = undefined;
    if (this.toSeal === first) this.toSeal = undefined;
    this.toSend = undefined;
    this.#newest = last;
    for (let intent: WriteIntent | undefined = first; intent !== undefined; intent = intent.next) {
      this.waiting--;
      this.waitingBytes -= intent.rest?.length ?? 0;
    }
    return first;
  }
}
