import { CreditSource, Fifo, Level } from '@rxtls/core';
import { AbortedError } from '@rxtls/core/engine';
import type { SchedulerLike } from 'rxjs';
import { FaultyLink } from './faulty-link.ts';
import type { CutKind, LinkFaults } from './link-faults.ts';

/** What reaches the reader: bytes, the end, or the failure of the link. */
type Arrival = Uint8Array | 'end' | { readonly error: unknown };

/** One direction: the writer's sink at one end, the link with its faults between, the reader's source at the other. */
export class MemoryRoad {
  readonly source: CreditSource = new CreditSource({ read: (bytes) => this.#read(bytes) });
  readonly demand: Level;
  readonly taken: Level = new Level(0);
  readonly #capacity: number;
  readonly #scheduler: SchedulerLike;
  readonly #faults: LinkFaults;
  readonly #link: FaultyLink;
  /** Tells the pair that the wire broke here, so that both directions fail. */
  readonly #broken: (error: AbortedError) => void;
  readonly #waiting = new Fifo<Uint8Array>();
  #unread = 0;
  #inFlight = 0;
  #starve: number;
  #pumping = false;
  #joining = false;
  #state: 'open' | 'ending' | 'end-sent' | 'failed' = 'open';
  /** Cut as a silent end: what is written from now on vanishes. */
  #swallowing = false;
  #endArrived = false;

  constructor(faults: LinkFaults, capacity: number, scheduler: SchedulerLike, broken: (error: AbortedError) => void) {
    this.#faults = faults;
    this.#link = new FaultyLink(faults);
    this.#capacity = capacity;
    this.#scheduler = scheduler;
    this.#broken = broken;
    this.#starve = faults.starve ?? Number.POSITIVE_INFINITY;
    this.demand = new Level(Math.min(capacity, this.#starve));
  }

  write(bytes: Uint8Array): void {
    if (this.#state !== 'open' || bytes.length === 0) return;
    this.#inFlight += bytes.length;
    this.#level();
    if (this.#swallowing) return this.#vanish(bytes.length);
    this.#waiting.push(bytes);
    if (this.#faults.coalesce === undefined) return this.#pump();
    if (this.#joining) return;
    this.#joining = true;
    this.#scheduler.schedule(() => this.#join(), this.#faults.coalesce);
  }

  end(): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#level();
    this.#pump();
  }

  /** Reader's side of `unread`: these bytes were counted as taken before. */
  unread(bytes: Uint8Array): void {
    this.#unread += bytes.length;
    this.source.unread(bytes);
  }

  /** The end has left the writer: an abort can't hold it back any more. */
  get hasSentEnd(): boolean {
    return this.#state === 'end-sent';
  }

  /** The writer's half ends with this error: what is pending is dropped. */
  failWriter(error: unknown): void {
    if (this.#state === 'failed') return;
    this.#state = 'failed';
    this.#waiting.clear();
    this.demand.fail(error);
    this.taken.complete();
  }

  /** The reader's half ends with this error: at once and without what waits (`drop`), or behind what left the writer. */
  failReader(error: unknown, drop: boolean): void {
    if (drop) this.source.fail(error, true);
    else this.#send({ error });
  }

  /** Runs when the news has travelled this road: at once, or after its delay. */
  later(news: () => void): void {
    if (this.#faults.delay === undefined) news();
    else this.#scheduler.schedule(news, this.#faults.delay);
  }

  stall(): void {
    this.#link.stall();
  }

  release(): void {
    this.#link.release();
    this.#pump();
  }

  starve(bytes: number): void {
    this.#starve = Math.max(0, bytes);
    this.#level();
  }

  cut(as: CutKind, cause?: unknown): void {
    if (this.#swallowing || this.#state === 'failed') return;
    if (as === 'error') {
      return this.#broken(new AbortedError('the link was cut', { phase: 'open', retryable: true, cause }));
    }
    this.#swallowing = true;
    let lost = 0;
    for (let bytes = this.#waiting.shift(); bytes; bytes = this.#waiting.shift()) lost += bytes.length;
    if (this.#state !== 'end-sent') this.#send('end');
    this.#vanish(lost);
    this.#pump();
  }

  /** Moves what the link lets through; one loop however deep the handlers that it reaches write again. */
  #pump(): void {
    if (this.#pumping || this.#joining) return;
    this.#pumping = true;
    for (let bytes = this.#pass(); bytes; bytes = this.#pass()) this.#send(bytes);
    this.#pumping = false;
    if (this.#state !== 'ending' || this.#waiting.size > 0 || (this.#link.stalled && !this.#swallowing)) return;
    this.#state = 'end-sent';
    if (this.#swallowing) this.#finish();
    else this.#send('end');
  }

  #pass(): Uint8Array | undefined {
    try {
      return this.#link.pass(this.#waiting) ?? this.#cutIfDue();
    } catch (error) {
      this.cut('error', error); // the fault's own function threw
      return undefined;
    }
  }

  #cutIfDue(): undefined {
    if (this.#link.cutIsDue && this.#faults.cutAfter) this.cut(this.#faults.cutAfter.as);
  }

  #join(): void {
    this.#joining = false;
    const parts: Uint8Array[] = [];
    for (let bytes = this.#waiting.shift(); bytes; bytes = this.#waiting.shift()) parts.push(bytes);
    if (parts.length > 0) this.#waiting.push(joined(parts));
    this.#pump();
  }

  #send(arrival: Arrival): void {
    if (this.#faults.delay === undefined) this.#arrive(arrival);
    else this.#scheduler.schedule(() => this.#arrive(arrival), this.#faults.delay);
  }

  #arrive(arrival: Arrival): void {
    if (arrival instanceof Uint8Array) this.source.push(arrival);
    else if (arrival === 'end') {
      this.#endArrived = true;
      this.source.complete();
      this.#finish();
    } else this.source.fail(arrival.error, false);
  }

  #read(bytes: number): void {
    const again = Math.min(bytes, this.#unread);
    this.#unread -= again;
    if (bytes > again) this.#vanish(bytes - again);
  }

  /** Bytes have left the road, by the reader's hand or into nothing. */
  #vanish(bytes: number): void {
    if (this.#state === 'failed') return;
    this.#inFlight -= bytes;
    this.taken.set(this.taken.value + bytes);
    this.#level();
    this.#finish();
  }

  #finish(): void {
    if (this.#state !== 'end-sent' || this.#inFlight > 0 || !(this.#endArrived || this.#swallowing)) return;
    this.demand.complete();
    this.taken.complete();
  }

  #level(): void {
    const room = this.#state === 'open' ? Math.min(this.#starve, this.#capacity - this.#inFlight) : 0;
    this.demand.set(Math.max(0, room));
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
