import type {
  EngineCapabilities,
  EngineReadiness,
  TlsEngine,
  TlsEngineFactory,
  TlsEngineSink,
  TlsHost,
  TlsRole,
  TlsVersion,
} from '@rxtls/core/engine';

/** The most ciphertext in one call. */
const mostCiphertext = 65_536;

/**
 * Wraps a factory so that its engines throw a plain `Error` when the caller breaks its promises: a call from inside a
 * sink callback other than `destroy`, `sendPlaintext` or `updateKeys` while `maySend` is false, anything after
 * `destroy`, `abort` or `failed`, slices over 65 536 bytes, a second end or close_notify, writing after the
 * peer's close_notify where there is no half-close, a task settled twice.
 * The placebo engine is wrapped already; wrap others in tests of whatever drives an engine.
 */
export function strictCaller<R extends TlsRole>(factory: TlsEngineFactory<R>): TlsEngineFactory<R> {
  const make = (sink: TlsEngineSink, host: TlsHost): TlsEngine => {
    const checks = new CallerChecks(factory.capabilities);
    return checks.engine(factory(checks.sink(sink), host));
  };
  return Object.freeze(
    Object.assign(make, { role: factory.role, capabilities: factory.capabilities }),
  ) as TlsEngineFactory<R>;
}

class CallerChecks {
  readonly #capabilities: EngineCapabilities;
  #inCallback = '';
  #over = '';
  #ended = false;
  #closed = false;
  #readiness: EngineReadiness | undefined;
  /** False after the peer's close_notify in a version without half-close. */
  #mayStillWrite = true;
  #version: TlsVersion | undefined;

  constructor(capabilities: EngineCapabilities) {
    this.#capabilities = capabilities;
  }

  sink(inner: TlsEngineSink): TlsEngineSink {
    const within = (callback: string, run: () => void): void => {
      const outer = this.#inCallback;
      this.#inCallback = callback;
      try {
        run();
      } finally {
        this.#inCallback = outer;
      }
    };
    return {
      get observed() {
        return inner.observed;
      },
      ciphertext: (bytes) => within('ciphertext', () => inner.ciphertext(bytes)),
      sealed: (bytes, records) => within('sealed', () => inner.sealed(bytes, records)),
      consumed: (bytes) => within('consumed', () => inner.consumed(bytes)),
      plaintext: (bytes) => within('plaintext', () => inner.plaintext(bytes)),
      readiness: (state) => {
        this.#readiness = state;
        within('readiness', () => inner.readiness(state));
      },
      task: (task) => {
        let settled = false;
        const settle = (run: () => void): void => {
          if (this.#over !== '') return;
          if (settled) throw this.#broken(`task ${task.name} was settled twice`);
          if (this.#inCallback !== '') throw this.#broken(`task ${task.name} was settled inside ${this.#inCallback}`);
          settled = true;
          run();
        };
        const { name, alert } = task;
        const guarded = {
          name,
          alert,
          run: () => task.run(),
          resolve: (value: unknown) => settle(() => task.resolve(value)),
          reject: (error: Parameters<typeof task.reject>[0]) => settle(() => task.reject(error)),
        };
        within('task', () => inner.task(guarded));
      },
      negotiated: (parameters) => {
        this.#version = parameters.version;
        within('negotiated', () => inner.negotiated(parameters));
      },
      event: (event) => within('event', () => inner.event(event)),
      closeNotify: () => {
        this.#mayStillWrite = this.#capabilities.halfClose.some((version) => version === this.#version);
        within('closeNotify', () => inner.closeNotify());
      },
      failed: (error) => {
        this.#over = 'failed';
        within('failed', () => inner.failed(error));
      },
    };
  }

  engine(inner: TlsEngine): TlsEngine {
    return {
      receiveCiphertext: (bytes) => {
        this.#check('receiveCiphertext');
        if (this.#ended) throw this.#broken('receiveCiphertext was called after receiveEnd');
        if (bytes.length > mostCiphertext) throw this.#broken(`receiveCiphertext was given ${bytes.length} bytes`);
        inner.receiveCiphertext(bytes);
      },
      receiveEnd: () => {
        this.#check('receiveEnd');
        if (this.#ended) throw this.#broken('receiveEnd was called twice');
        this.#ended = true;
        inner.receiveEnd();
      },
      sendPlaintext: (bytes) => {
        this.#checkMaySend('sendPlaintext');
        inner.sendPlaintext(bytes);
      },
      sendCloseNotify: () => {
        this.#check('sendCloseNotify');
        if (this.#closed) throw this.#broken('sendCloseNotify was called twice');
        this.#closed = true;
        inner.sendCloseNotify();
      },
      ...(inner.updateKeys === undefined
        ? {}
        : {
            updateKeys: (options: { readonly requestPeer: boolean }) => {
              this.#checkMaySend('updateKeys');
              inner.updateKeys?.(options);
            },
          }),
      pause: () => {
        this.#check('pause');
        inner.pause();
      },
      resume: () => {
        this.#check('resume');
        inner.resume();
      },
      abort: (alert) => {
        this.#check('abort');
        inner.abort(alert);
        this.#over = 'abort';
      },
      destroy: () => {
        this.#over ||= 'destroy';
        inner.destroy();
      },
      ...(inner.exportKeyingMaterial === undefined
        ? {}
        : {
            exportKeyingMaterial: (label: string, context: Uint8Array | undefined, length: number) => {
              this.#check('exportKeyingMaterial');
              return inner.exportKeyingMaterial!(label, context, length);
            },
          }),
    };
  }

  #check(call: string): void {
    if (this.#inCallback !== '') throw this.#broken(`${call} was called inside the sink's ${this.#inCallback}`);
    if (this.#over !== '') throw this.#broken(`${call} was called after ${this.#over}`);
  }

  #checkMaySend(call: string): void {
    this.#check(call);
    if (this.#closed) throw this.#broken(`${call} was called after sendCloseNotify`);
    if (!this.#mayStillWrite) throw this.#broken(`${call} was called after closeNotify, without half-close`);
    if (this.#readiness?.maySend !== true)
      throw this.#broken(`${call} was called while ${this.#readiness?.state ?? 'nothing'} was the readiness`);
  }

  #broken(what: string): Error {
    return new Error(`engine contract broken by the caller of ${this.#capabilities.name}: ${what}`);
  }
}
