import type {
  EngineReadiness,
  EngineTask,
  NegotiatedParameters,
  RecordRange,
  TlsEngineSink,
  TlsError,
  TlsEvent,
} from './engine/index.ts';
import type { Outbox } from './outbox.ts';

/** What an engine's answer changes at once. No user code runs from here. */
export interface EnginePortOwner {
  readonly observed: boolean;
  readinessTold(state: EngineReadiness): void;
  consumed(bytes: number): void;
  engineFailed(): void;
  /** There is something in the outbox. */
  turnSoon(): void;
}

/** The sink an engine talks to: it counts, appends to the outbox and returns, so that nothing else runs inside the engine. */
export class EnginePort implements TlsEngineSink {
  readonly #outbox: Outbox;
  readonly #owner: EnginePortOwner;
  #isOpen = true;

  constructor(outbox: Outbox, owner: EnginePortOwner) {
    this.#outbox = outbox;
    this.#owner = owner;
  }

  get observed(): boolean {
    return this.#isOpen && this.#owner.observed;
  }

  /** Whatever the engine still says is not heard. */
  shut(): void {
    this.#isOpen = false;
  }

  ciphertext(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#outbox.ciphertext(bytes);
    this.#owner.turnSoon();
  }

  sealed(plaintextBytes: number, records?: RecordRange): void {
    if (!this.#isOpen) return;
    this.#outbox.sealed(plaintextBytes, records);
    this.#owner.turnSoon();
  }

  consumed(ciphertextBytes: number): void {
    if (!this.#isOpen) return;
    this.#owner.consumed(ciphertextBytes);
    this.#owner.turnSoon();
  }

  plaintext(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#outbox.plaintext(bytes);
    this.#owner.turnSoon();
  }

  readiness(state: EngineReadiness): void {
    if (!this.#isOpen) return;
    this.#owner.readinessTold(state);
    this.#owner.turnSoon();
  }

  task(task: EngineTask): void {
    if (!this.#isOpen) return;
    this.#outbox.task(task);
    this.#owner.turnSoon();
  }

  negotiated(parameters: NegotiatedParameters): void {
    if (!this.#isOpen) return;
    this.#outbox.negotiated(parameters);
    this.#owner.turnSoon();
  }

  event(event: TlsEvent): void {
    if (!this.observed) return;
    this.#outbox.event(event);
    this.#owner.turnSoon();
  }

  closeNotify(): void {
    if (!this.#isOpen) return;
    this.#outbox.closeNotify();
    this.#owner.turnSoon();
  }

  failed(error: TlsError): void {
    if (!this.#isOpen) return;
    this.#outbox.failed(error);
    this.#isOpen = false;
    this.#owner.engineFailed();
    this.#owner.turnSoon();
  }
}
