import type { AlertDescription, TlsEngine, TlsEngineSink } from '@rxtls/core/engine';

/**
 * Makes a synchronous engine asynchronous, as Node's is: calls are noted and carried out later, in order. What is to be
 * sent waits here when the engine has stopped being ready in between; `pause`, `abort` and `destroy` act at once.
 */
export class DeferredEngine implements TlsEngine {
  readonly #defer: (run: () => void) => void;
  readonly #engine: TlsEngine;
  #waiting: { readonly needsReady: boolean; readonly run: () => void }[] = [];
  #maySend = false;
  #over = false;

  constructor(defer: (run: () => void) => void, sink: TlsEngineSink, make: (sink: TlsEngineSink) => TlsEngine) {
    this.#defer = defer;
    this.#engine = make({
      ...sink,
      get observed() {
        return sink.observed;
      },
      readiness: (state) => {
        this.#maySend = state.maySend;
        sink.readiness(state);
      },
      task: (task) =>
        sink.task({
          ...task,
          resolve: (value) => this.later(() => task.resolve(value)),
          reject: (error) => this.later(() => task.reject(error)),
        }),
      failed: (error) => {
        this.#over = true;
        sink.failed(error);
      },
    });
  }

  /** Carries this out later, then sends what may go by then. */
  later(run: () => void): void {
    this.#defer(() => {
      if (!this.#over) run();
      this.#sendWaiting();
    });
  }

  receiveCiphertext(bytes: Uint8Array): void {
    this.later(() => this.#engine.receiveCiphertext(bytes));
  }

  receiveEnd(): void {
    this.later(() => this.#engine.receiveEnd());
  }

  sendPlaintext(bytes: Uint8Array): void {
    const copy = new Uint8Array(bytes);
    this.#enqueue(true, () => this.#engine.sendPlaintext(copy));
  }

  sendCloseNotify(): void {
    this.#enqueue(false, () => this.#engine.sendCloseNotify());
  }

  updateKeys(options: { readonly requestPeer: boolean }): void {
    this.#enqueue(true, () => this.#engine.updateKeys?.(options));
  }

  pause(): void {
    this.#engine.pause();
  }

  resume(): void {
    this.later(() => this.#engine.resume());
  }

  abort(alert: AlertDescription): void {
    this.#over = true;
    this.#engine.abort(alert);
  }

  destroy(): void {
    this.#over = true;
    this.#waiting = [];
    this.#engine.destroy();
  }

  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    return this.#engine.exportKeyingMaterial!(label, context, length);
  }

  #enqueue(needsReady: boolean, run: () => void): void {
    this.#waiting.push({ needsReady, run });
    this.#defer(() => this.#sendWaiting());
  }

  #sendWaiting(): void {
    for (;;) {
      const next = this.#waiting[0];
      if (this.#over || next === undefined || (next.needsReady && !this.#maySend)) return;
      this.#waiting.shift();
      next.run();
    }
  }
}
