import { Observable, type ObservableInput, throwError } from 'rxjs';
import type { ByteInput } from './byte-input.ts';
import { ConnectionSink } from './connection-sink.ts';
import type { ByteDuplex, ByteSink, ByteSource, DuplexInfo } from './duplex.ts';
import type { NegotiatedParameters, TlsEvent } from './engine/index.ts';
import { exchange } from './exchange.ts';
import { IntentAcks } from './intent-acks.ts';
import { GuardedObservable } from './guarded-observable.ts';
import type { Ledger } from './ledger.ts';
import type { Readiness } from './readiness.ts';
import { readEach } from './read-each.ts';
import type { Stage } from './stage.ts';
import type { TlsConnection } from './tls-connection.ts';
import type { WriteAck } from './write-ack.ts';
import { deadError } from './write-errors.ts';
import { WriteFrom } from './write-from.ts';

/** A stage, as the application sees it. */
export class Connection implements TlsConnection {
  readonly negotiated: NegotiatedParameters;
  readonly info: DuplexInfo;
  readonly source: ByteSource;
  readonly plaintext: Observable<Uint8Array>;
  readonly readiness: Observable<Readiness>;
  readonly acks: Observable<WriteAck>;
  readonly ledger: Observable<Ledger>;
  readonly events: Observable<TlsEvent>;
  readonly #stage: Stage;
  #sink: ConnectionSink | undefined;

  constructor(stage: Stage) {
    this.#stage = stage;
    this.negotiated = stage.parameters!;
    this.info = stage.transport.info;
    const { reader } = stage.inbound;
    this.source = { bytes: reader.bytes, request: (bytes) => reader.request(bytes) };
    this.plaintext = reader.endless;
    this.readiness = guarded(stage, stage.readiness.observable);
    this.acks = guarded(stage, stage.outbound.acks);
    this.ledger = guarded(stage, stage.ledger.observable);
    this.events = guarded(stage, stage.events);
  }

  get sink(): ByteSink {
    this.#sink ??= new ConnectionSink(this.#stage);
    return this.#sink;
  }

  unread(bytes: Uint8Array): void {
    this.#stage.inbound.reader.unread(bytes);
  }

  write(bytes: Uint8Array): Observable<WriteAck> {
    if (this.#stage.end !== 'no') return throwError(() => deadError(this.#stage.error));
    const acks = new IntentAcks();
    acks.intent = this.#stage.write(bytes, false, acks);
    return acks.observable;
  }

  writeFrom(source: ByteInput | ByteSource): Observable<Ledger> {
    return new Observable((subscriber) => {
      if (this.#stage.end !== 'no') return subscriber.error(deadError(this.#stage.error));
      const writer = new WriteFrom(this.#stage, subscriber);
      subscriber.add(() => writer.stop());
      try {
        writer.start(source);
      } catch (error) {
        subscriber.error(error);
      }
    });
  }

  readEach<R>(project: (bytes: Uint8Array) => ObservableInput<R>): Observable<R> {
    return readEach(this, project);
  }

  exchange(source: ByteInput, options: { readonly halfClose?: boolean } = {}): Observable<Uint8Array> {
    return exchange(this, source, options.halfClose === true);
  }

  updateKeys(): void {
    if (this.#stage.end !== 'no') throw deadError(this.#stage.error);
    this.#stage.updateKeys();
  }

  closeWrite(): Observable<never> {
    return new Observable((subscriber) => this.#stage.closing.closeWrite(subscriber));
  }

  close(): Observable<never> {
    return new Observable((subscriber) => this.#stage.closing.close(subscriber));
  }

  unwrap(): Observable<ByteDuplex> {
    return new Observable((subscriber) => this.#stage.closing.unwrap(subscriber));
  }

  /** For `use`: its work failed, and the connection is let go next. */
  workFailed(cause: unknown): void {
    this.#stage.ending.workFailed(cause);
  }

  exportKeyingMaterial(label: string, context: Uint8Array | undefined, length: number): Uint8Array {
    return this.#stage.exportKeyingMaterial(label, context, length);
  }
}

/** A stream of the connection whose observers end it when they throw. */
const guarded = <T>(stage: Stage, stream: Observable<T>): Observable<T> =>
  new GuardedObservable<T>(
    // an observer in between, so that what a subscriber's finalizers throw is caught by RxJS
    (subscriber) =>
      stream.subscribe({ next: (value) => subscriber.next(value), complete: () => subscriber.complete() }),
    (cause) => stage.threw(cause),
  );
