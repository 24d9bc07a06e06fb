import {
  type EngineTask,
  maxPlaintextRecordBytes,
  type NegotiatedParameters,
  type RecordRange,
  type TlsError,
  type TlsEvent,
} from './engine/index.ts';
import { keptSlots } from './fifo.ts';

/** What an engine can say that has to wait until its call has returned. */
export interface OutboxReader {
  ciphertext(bytes: Uint8Array): void;
  sealed(bytes: number, records: RecordRange | undefined): void;
  plaintext(bytes: Uint8Array): void;
  task(task: EngineTask): void;
  negotiated(parameters: NegotiatedParameters): void;
  event(event: TlsEvent): void;
  closeNotify(): void;
  failed(error: TlsError): void;
}

const kind = { ciphertext: 0, sealed: 1, plaintext: 2, task: 3, negotiated: 4, event: 5, closeNotify: 6, failed: 7 };

/**
 * The engine's answers in the order it gave them. Sink callbacks append here and do nothing else; the stage reads one at a
 * time after the engine call has returned, so that user code never runs inside the engine. Slots are reused.
 */
export class Outbox {
  #kinds: number[] = [];
  #payloads: unknown[] = [];
  #head = 0;
  #tail = 0;

  get isEmpty(): boolean {
    return this.#head === this.#tail;
  }

  ciphertext(bytes: Uint8Array): void {
    this.#append(kind.ciphertext, bytes);
  }

  sealed(bytes: number, records: RecordRange | undefined): void {
    this.#append(kind.sealed, bytes);
    this.#append(-1, records);
  }

  plaintext(bytes: Uint8Array): void {
    this.#append(kind.plaintext, bytes);
  }

  task(task: EngineTask): void {
    this.#append(kind.task, task);
  }

  negotiated(parameters: NegotiatedParameters): void {
    this.#append(kind.negotiated, parameters);
  }

  event(event: TlsEvent): void {
    this.#append(kind.event, event);
  }

  closeNotify(): void {
    this.#append(kind.closeNotify, undefined);
  }

  failed(error: TlsError): void {
    this.#append(kind.failed, error);
  }

  /** Hands the oldest answer to the reader. Answers with its size in bytes, 0 for what has none, or -1 when there was none. */
  deliver(reader: OutboxReader): number {
    if (this.isEmpty) return -1;
    const payload = this.#payloads[this.#head];
    switch (this.#kinds[this.#head]) {
      case kind.ciphertext: {
        const flight = this.#flight(payload as Uint8Array);
        reader.ciphertext(flight);
        return flight.length;
      }
      case kind.sealed: {
        const records = this.#payloads[this.#head + 1] as RecordRange | undefined;
        this.#advance(2);
        reader.sealed(payload as number, records);
        return 0;
      }
      case kind.plaintext:
        this.#advance(1);
        reader.plaintext(payload as Uint8Array);
        return (payload as Uint8Array).length;
      case kind.task:
        this.#advance(1);
        reader.task(payload as EngineTask);
        return 0;
      case kind.negotiated:
        this.#advance(1);
        reader.negotiated(payload as NegotiatedParameters);
        return 0;
      case kind.event:
        this.#advance(1);
        reader.event(payload as TlsEvent);
        return 0;
      case kind.closeNotify:
        this.#advance(1);
        reader.closeNotify();
        return 0;
      default:
        this.#advance(1);
        reader.failed(payload as TlsError);
        return 0;
    }
  }

  /** Hands out the ciphertext that waits, answers with the events, and forgets the rest: what a connection does last. */
  drain(reader: Pick<OutboxReader, 'ciphertext'>): TlsEvent[] {
    const events: TlsEvent[] = [];
    for (; this.#head < this.#tail; this.#head++) {
      const payload = this.#payloads[this.#head];
      if (this.#kinds[this.#head] === kind.ciphertext) reader.ciphertext(payload as Uint8Array);
      else if (this.#kinds[this.#head] === kind.event) events.push(payload as TlsEvent);
    }
    this.#kinds = [];
    this.#payloads = [];
    this.#head = 0;
    this.#tail = 0;
    return events;
  }

  /**
   * Takes the ciphertext at the head, and with it what follows at once, up to a record's worth: most flights of a handshake are several short
   * records, and each write is a system call and a packet.
   */
  #flight(first: Uint8Array): Uint8Array {
    let { length } = first;
    let end = this.#head + 1;
    for (; end < this.#tail && this.#kinds[end] === kind.ciphertext; end++) {
      const more = (this.#payloads[end] as Uint8Array).length;
      if (length + more > maxPlaintextRecordBytes) break;
      length += more;
    }
    const chunks = end - this.#head;
    if (chunks === 1) {
      this.#advance(1);
      return first;
    }
    const flight = new Uint8Array(length);
    for (let slot = this.#head, at = 0; slot < end; slot++) {
      const chunk = this.#payloads[slot] as Uint8Array;
      flight.set(chunk, at);
      at += chunk.length;
    }
    this.#advance(chunks);
    return flight;
  }

  #append(what: number, payload: unknown): void {
    this.#kinds[this.#tail] = what;
    this.#payloads[this.#tail++] = payload;
  }

  #advance(slots: number): void {
    for (let slot = 0; slot < slots; slot++) this.#payloads[this.#head + slot] = undefined;
    this.#head += slots;
    if (!this.isEmpty) return;
    if (this.#tail > keptSlots) {
      this.#kinds = [];
      this.#payloads = [];
    }
    this.#head = 0;
    this.#tail = 0;
  }
}
