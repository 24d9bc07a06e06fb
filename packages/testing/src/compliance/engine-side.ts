import assert from 'node:assert/strict';
import {
  type EngineReadiness,
  EngineFailureError,
  type EngineTask,
  type NegotiatedParameters,
  type RecordRange,
  type Subscribable,
  type TlsEngine,
  type TlsEngineFactory,
  type TlsEngineSink,
  TlsError,
  type TlsEvent,
  type TlsHost,
} from '@rxtls/core/engine';

/** The calls of the sink. */
export const sinkCallbacks = [
  'ciphertext',
  'sealed',
  'consumed',
  'plaintext',
  'readiness',
  'task',
  'negotiated',
  'event',
  'closeNotify',
  'failed',
] as const;
export type SinkCallback = (typeof sinkCallbacks)[number];

type Action = { readonly data: Uint8Array } | 'close' | 'update-keys';

/**
 * One engine and what became of it. Drives it the way core does (a FIFO of actions, gated by readiness), writes down
 * what reaches the sink, and notes each promise of the contract that the engine breaks, for {@link assertKept}.
 */
export class EngineSide {
  readonly name: string;
  readonly engine: TlsEngine;
  readonly out: { readonly bytes: Uint8Array; readonly copy: Uint8Array }[] = [];
  readonly plaintext: Uint8Array[] = [];
  readonly readiness: EngineReadiness[] = [];
  readonly events: TlsEvent[] = [];
  readonly records: RecordRange[] = [];
  readonly sealings: { readonly bytes: number; readonly records: RecordRange | undefined }[] = [];
  readonly failures: TlsError[] = [];
  readonly actions: Action[] = [];
  readonly broken: string[] = [];
  negotiated: NegotiatedParameters | undefined;
  /** Ciphertext bytes given and consumed, plaintext bytes sent and sealed, ciphertext bytes made. */
  readonly bytes = { given: 0, consumed: 0, sent: 0, sealed: 0, made: 0 };
  closeReceived = false;
  ended = false;
  destroyed = false;
  /** Counts whatever happens, to see when nothing happens any more. */
  activity = 0;
  /** Called inside every callback of the sink. */
  inside: (callback: SinkCallback) => void = () => {};
  readonly #tasks: EngineTask[] = [];

  constructor(name: string, factory: TlsEngineFactory, host: TlsHost, observed = true) {
    this.name = name;
    this.engine = factory(this.#sink(observed), host);
  }

  /** The engine takes no more calls. */
  get over(): boolean {
    return this.destroyed || this.failures.length > 0;
  }

  get maySend(): boolean {
    return !this.over && this.readiness.at(-1)?.maySend === true;
  }

  /** All the plaintext received. */
  get received(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.plaintext));
  }

  /** Queues plaintext in slices as core makes them. */
  write(bytes: Uint8Array, slice = 65_536): void {
    for (let at = 0; at < bytes.length; at += slice) this.actions.push({ data: bytes.subarray(at, at + slice) });
  }

  give(chunk: Uint8Array): void {
    this.activity += 1;
    this.bytes.given += chunk.length;
    this.#call(() => this.engine.receiveCiphertext(chunk));
  }

  end(): void {
    if (this.over || this.ended) return;
    this.ended = true;
    this.#call(() => this.engine.receiveEnd());
  }

  destroy(): void {
    this.destroyed = true;
    this.engine.destroy();
  }

  /** Runs what readiness allows and settles tasks; true when something was done. */
  step(): boolean {
    let done = false;
    for (const task of this.#tasks.splice(0)) {
      done = true;
      void this.#runTask(task);
    }
    while (!this.over) {
      const action = this.actions[0];
      if (action === undefined || (action !== 'close' && !this.maySend)) break;
      this.actions.shift();
      done = true;
      this.#act(action);
    }
    return done;
  }

  #act(action: Action): void {
    if (action === 'close') this.#call(() => this.engine.sendCloseNotify());
    else if (action === 'update-keys') this.#call(() => this.engine.updateKeys?.({ requestPeer: true }));
    else {
      // The caller's array is the caller's again when the call returns (W4): it is scribbled over at once.
      const lent = action.data.slice();
      this.bytes.sent += lent.length;
      this.#call(() => this.engine.sendPlaintext(lent));
      lent.fill(0xa5);
    }
  }

  /** @throws AssertionError when the engine broke a promise. */
  assertKept(): void {
    assert.deepEqual(this.broken, [], `${this.name} kept its contract`);
  }

  #call(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.broken.push(`threw ${String(error)}`);
    }
  }

  async #runTask(task: EngineTask): Promise<void> {
    try {
      const result = task.run();
      const value = isSubscribable(result)
        ? await new Promise((next, error) => void result.subscribe({ next, error, complete: () => {} }))
        : await result;
      if (!this.over) task.resolve(value);
    } catch (cause) {
      const error = cause instanceof TlsError ? cause : new EngineFailureError(`${task.name} failed`, { cause });
      if (!this.over) task.reject(error);
    }
    this.activity += 1;
  }

  #sink(observed: boolean): TlsEngineSink {
    const heard = (callback: SinkCallback, note: () => void): void => {
      this.activity += 1;
      if (this.destroyed) this.broken.push(`${callback} after destroy`);
      else if (this.failures.length > 0) this.broken.push(`${callback} after failed`);
      note();
      this.inside(callback);
    };
    const promise = (kept: boolean, otherwise: string): void => {
      if (!kept) this.broken.push(otherwise);
    };
    const { bytes } = this;
    return {
      observed,
      ciphertext: (made) =>
        heard('ciphertext', () => {
          promise(made.length > 0, 'made empty ciphertext');
          bytes.made += made.length;
          this.out.push({ bytes: made, copy: new Uint8Array(made) });
        }),
      sealed: (count, records) =>
        heard('sealed', () => {
          bytes.sealed += count;
          this.sealings.push({ bytes: count, records });
          promise(bytes.sealed <= bytes.sent, 'sealed more than was sent');
          promise(bytes.sealed <= bytes.made, 'sealed came before its ciphertext');
        }),
      consumed: (count) =>
        heard('consumed', () => {
          bytes.consumed += count;
          promise(bytes.consumed <= bytes.given, 'consumed more than was given');
          promise(!this.closeReceived, 'consumed after closeNotify');
        }),
      plaintext: (received) =>
        heard('plaintext', () => {
          promise(this.negotiated !== undefined, 'plaintext before negotiated');
          promise(!this.closeReceived, 'plaintext after closeNotify');
          promise(received.length > 0, 'empty plaintext');
          this.plaintext.push(new Uint8Array(received));
          received.fill(0x5a); // the array is the receiver's: the engine must not need it any more
        }),
      readiness: (state) =>
        heard('readiness', () => {
          promise(state.maySend === (state.state === 'READY'), `maySend while ${state.state}`);
          promise(!state.maySend || this.negotiated !== undefined, 'ready before negotiated');
          promise(state.state !== this.readiness.at(-1)?.state, `readiness ${state.state} twice`);
          this.readiness.push(state);
        }),
      task: (task) => heard('task', () => this.#tasks.push(task)),
      negotiated: (parameters) =>
        heard('negotiated', () => {
          promise(this.negotiated === undefined, 'negotiated twice');
          this.negotiated = parameters;
        }),
      event: (event) => heard('event', () => this.events.push(event)),
      closeNotify: () =>
        heard('closeNotify', () => {
          promise(!this.closeReceived, 'closeNotify twice');
          this.closeReceived = true;
        }),
      failed: (error) =>
        heard('failed', () => {
          promise(error instanceof TlsError, 'failed with something else than a TlsError');
          this.failures.push(error);
        }),
    };
  }
}

const isSubscribable = (value: unknown): value is Subscribable<unknown> =>
  typeof value === 'object' && value !== null && 'subscribe' in value;
