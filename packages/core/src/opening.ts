import type { SchedulerLike, Subscription } from 'rxjs';
import type { Admission, Candidate } from './admission.ts';
import {
  alertForError,
  alertNumber,
  ApiMisuseError,
  type ClientHello,
  ClientHelloReader,
  EngineFailureError,
  type EngineReadiness,
  engineReadiness,
  type LimitName,
  type Limits,
  NotTlsError,
  PeerIncompatibleError,
  type TlsEngineFactory,
  TlsError,
} from './engine/index.ts';
import { type EngineSelector, type EngineSupply, isFactory, isSelector } from './engine-source.ts';
import { runUserFunction } from './run-user-function.ts';

/** What the opening of a connection asks of the stage. */
export interface OpeningHost {
  readonly limits: Limits;
  readonly scheduler: SchedulerLike;
  /** Replaces the deadline that runs. */
  deadline(limit: LimitName): void;
  helloComplete(hello: ClientHello): void;
  admitted(): void;
  waitFor(state: EngineReadiness): void;
  taskBegins(task: Subscription): void;
  taskEnds(): void;
  makeEngine(factory: TlsEngineFactory): void;
  fail(error: TlsError): void;
}

/**
 * How a connection comes to its engine. Clients: as soon as there is a factory. Servers: when a whole ClientHello has been
 * read within its limits and a handshake slot is free, by the latest factory or the selector's answer. The bytes read here
 * stay with the inbound road, which gives every one of them to the engine.
 */
export class Opening implements Candidate {
  readonly #host: OpeningHost;
  readonly #supply: EngineSupply;
  readonly #admission: Admission | undefined;
  #reader: ClientHelloReader | undefined;
  /** Ciphertext that came before it was known whether a ClientHello is to be read. */
  #early: Uint8Array[] | undefined = [];
  #hello: ClientHello | undefined;
  #heard = false;
  #slot: 'none' | 'waiting' | 'taken' = 'none';
  #wait: Subscription | undefined;

  constructor(host: OpeningHost, supply: EngineSupply, admission: Admission | undefined) {
    this.#host = host;
    this.#supply = supply;
    this.#admission = admission;
  }

  start(): void {
    this.#wait = this.#supply.wait({
      ready: () => this.#ready(),
      failed: (cause) =>
        this.#host.fail(
          cause instanceof TlsError ? cause : new EngineFailureError('the source of engines failed', { cause }),
        ),
    });
  }

  /** Ciphertext on its way to the engine. */
  receive(bytes: Uint8Array): void {
    this.#heard = true;
    if (this.#early !== undefined) this.#early.push(bytes);
    else if (this.#reader !== undefined) this.#read(bytes);
  }

  admitted(): void {
    this.#slot = 'taken';
    this.#host.deadline('handshakeTimeout');
    this.#host.admitted();
    const source = this.#supply.latest!;
    if (isSelector(source)) this.#select(source, this.#hello!);
    else this.#host.makeEngine(source);
  }

  turnedAway(error: TlsError): void {
    this.#host.fail(error);
  }

  /** The handshake is over, well or not. */
  end(): void {
    this.#wait?.unsubscribe();
    this.#reader = undefined;
    const slot = this.#slot;
    this.#slot = 'none';
    if (slot === 'taken') this.#admission?.leave();
    else if (slot === 'waiting') this.#admission?.withdraw(this);
  }

  /** The record that tells a client, before there is an engine, why it is turned away; nothing for who does not speak TLS. */
  alertRecord(error: TlsError): Uint8Array | undefined {
    if (!this.#heard || this.#early !== undefined || error instanceof NotTlsError) return undefined;
    return Uint8Array.of(21, 3, 3, 0, 2, 2, alertNumber[alertForError(error)]);
  }

  #ready(): void {
    const source = this.#supply.latest!;
    const early = this.#early ?? [];
    this.#early = undefined;
    if (isFactory(source) && source.role === 'client') {
      this.#host.makeEngine(source);
      return;
    }
    this.#host.deadline('clientHelloTimeout');
    this.#reader = new ClientHelloReader(this.#host.limits);
    for (const bytes of early) if (this.#reader !== undefined) this.#read(bytes);
  }

  #read(bytes: Uint8Array): void {
    let hello: ClientHello | undefined;
    try {
      hello = this.#reader!.receive(bytes);
    } catch (error) {
      this.#host.fail(
        error instanceof TlsError ? error : new EngineFailureError('reading the ClientHello failed', { cause: error }),
      );
      return;
    }
    if (hello === undefined) return;
    this.#reader = undefined;
    this.#hello = hello;
    this.#host.deadline('handshakeTimeout');
    this.#host.helloComplete(hello);
    if (this.#admission === undefined) return this.admitted();
    this.#slot = 'waiting';
    this.#admission.enter(this);
  }

  #select(selector: EngineSelector, hello: ClientHello): void {
    const host = this.#host;
    host.waitFor(engineReadiness.wantClientHelloCb);
    const task = runUserFunction<unknown>({
      name: 'byHello',
      alert: 'internal_error',
      milliseconds: host.limits.taskTimeout,
      scheduler: host.scheduler,
      run: () => selector.select(hello),
      resolve: (factory) => {
        host.taskEnds();
        host.waitFor(engineReadiness.wantRead);
        if (factory === undefined || factory === null)
          host.fail(
            new PeerIncompatibleError('byHello chose no engine for this ClientHello', { alert: 'unrecognized_name' }),
          );
        else if (isFactory(factory) && factory.role === 'server') host.makeEngine(factory);
        else host.fail(new ApiMisuseError('byHello must give a server engine factory'));
      },
      reject: (error) => {
        host.taskEnds();
        host.fail(error);
      },
    });
    if (!task.closed) host.taskBegins(task);
  }
}
