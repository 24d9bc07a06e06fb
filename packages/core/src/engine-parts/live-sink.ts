import type {
  EngineReadiness,
  EngineTask,
  NegotiatedParameters,
  RecordRange,
  TlsEngineSink,
  TlsError,
  TlsEvent,
} from '../engine/index.ts';

/** The sink until the engine is destroyed or broken, and silence afterwards: late events of what is below an engine end here. */
export class LiveSink implements TlsEngineSink {
  readonly #sink: TlsEngineSink;
  #alive = true;
  #readiness: EngineReadiness | undefined;

  constructor(sink: TlsEngineSink) {
    this.#sink = sink;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get observed(): boolean {
    return this.#alive && this.#sink.observed;
  }

  silence(): void {
    this.#alive = false;
  }

  ciphertext(bytes: Uint8Array): void {
    if (this.#alive) this.#sink.ciphertext(bytes);
  }

  sealed(plaintextBytes: number, records?: RecordRange): void {
    if (this.#alive) this.#sink.sealed(plaintextBytes, records);
  }

  consumed(ciphertextBytes: number): void {
    if (this.#alive) this.#sink.consumed(ciphertextBytes);
  }

  plaintext(bytes: Uint8Array): void {
    if (this.#alive) this.#sink.plaintext(bytes);
  }

  /** Passes changes only. */
  readiness(state: EngineReadiness): void {
    if (!this.#alive || state === this.#readiness) return;
    this.#readiness = state;
    this.#sink.readiness(state);
  }

  task(task: EngineTask): void {
    if (this.#alive) this.#sink.task(task);
  }

  negotiated(parameters: NegotiatedParameters): void {
    if (this.#alive) this.#sink.negotiated(parameters);
  }

  event(event: TlsEvent): void {
    if (this.observed) this.#sink.event(event);
  }

  closeNotify(): void {
    if (this.#alive) this.#sink.closeNotify();
  }

  failed(error: TlsError): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#sink.failed(error);
  }
}
