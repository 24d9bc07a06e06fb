import type { Admission, Candidate } from './admission.ts';
import {
  ApiMisuseError,
  alertForError,
  alertNumber,
  type ClientHello,
  ClientHelloReader,
  EngineFailureError,
  engineReadiness,
  HandshakeTimeoutError,
  type LimitName,
  type NegotiatedParameters,
  NotTlsError,
  PeerIncompatibleError,
  type TlsEngineFactory,
  TlsError,
} from './engine/index.ts';
import { type EngineSelector, type EngineSupply, isFactory, isSelector } from './engine-source.ts';
import { isRenegotiating } from './readiness-of.ts';
import { runUserFunction } from './run-user-function.ts';
import type { Stage } from './stage.ts';
import { from, type Subscription } from 'rxjs';

/**
 * How a connection comes to its engine. Clients: as soon as there is a factory. Servers: when a whole ClientHello has been
 * read within its limits and a handshake slot is free, by the latest factory or the selector's answer. The bytes read here
 * stay with the inbound road, which gives every one of them to the engine.
 */
export class Opening implements Candidate {
  /** The ClientHello, on servers, until the handshake is over. */
  hello: ClientHello | undefined;
  /** Which emission of a `liveEngine` serves this connection. */
  generation: number | undefined;
  readonly #stage: Stage;
  readonly #supply: EngineSupply;
  readonly #admission: Admission | undefined;
  #reader: ClientHelloReader | undefined;
  /** Ciphertext that came before it was known whether a ClientHello is to be read. */
  #early: Uint8Array[] | undefined = [];
  #heard = false;
  /** The limits of the ClientHello that observers have heard of. */
  readonly #told: Set<LimitName> = new Set();
  #slot: 'none' | 'waiting' | 'taken' = 'none';
  #wait: Subscription | undefined;

  constructor(stage: Stage, supply: EngineSupply, admission: Admission | undefined) {
    this.#stage = stage;
    this.#supply = supply;
    this.#admission = admission;
  }

  start(): void {
    this.deadline('handshakeTimeout');
    this.#wait = this.#supply.wait({
      ready: () => this.#ready(),
      failed: (cause) =>
        this.#fail(
          cause instanceof TlsError ? cause : new EngineFailureError('the source of engines failed', { cause }),
        ),
    });
  }

  /** Replaces the deadline that runs. */
  deadline(limit: 'handshakeTimeout' | 'clientHelloTimeout'): void {
    const milliseconds = this.#stage.limits[limit];
    const alert = 'handshake_failure';
    this.#stage.timer.set(milliseconds, () =>
      this.#fail(new HandshakeTimeoutError(limit, `not done within ${milliseconds} ms (limits.${limit})`, { alert })),
    );
  }

  /** A renegotiation has the handshake's time. */
  timeRenegotiation(): void {
    const stage = this.#stage;
    if (stage.parameters === undefined) return;
    if (!isRenegotiating(stage)) stage.timer.clear();
    else if (!stage.timer.isSet) this.deadline('handshakeTimeout');
  }

  /** Ciphertext on its way to the engine. */
  receive(bytes: Uint8Array): void {
    this.#heard = true;
    if (this.#early !== undefined) this.#early.push(bytes);
    else if (this.#reader !== undefined) this.#read(bytes);
  }

  admitted(): void {
    this.#slot = 'taken';
    this.deadline('handshakeTimeout');
    this.#tell('admitted');
    const source = this.#supply.latest!;
    this.generation = source.generation;
    if (isSelector(source)) this.#select(source, this.hello!);
    else this.#stage.adopt(source);
  }

  waits(used: number, max: number): void {
    this.#approached('maxWaitingHandshakes', used, max);
  }

  turnedAway(error: TlsError): void {
    this.#slot = 'none';
    this.#fail(error);
  }

  /** Handshake and verification passed. */
  done({ version, cipherSuite, group, resumed }: NegotiatedParameters): void {
    this.end();
    const { events } = this.#stage;
    if (!events.observed) return;
    const agreed = { version, cipherSuite, resumed, ...(group !== undefined && { group }) };
    events.next({ type: 'handshake', step: 'negotiated', milliseconds: events.age, ...agreed });
  }

  /** The handshake is over, well or not. */
  end(): void {
    this.#wait?.unsubscribe();
    this.#reader = undefined;
    this.hello = undefined;
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
      this.generation = source.generation;
      return this.#stage.adopt(source);
    }
    this.deadline('clientHelloTimeout');
    this.#reader = new ClientHelloReader(this.#stage.limits);
    for (const bytes of early) if (this.#reader !== undefined) this.#read(bytes);
  }

  #read(bytes: Uint8Array): void {
    let hello: ClientHello | undefined;
    try {
      hello = this.#reader!.receive(bytes);
    } catch (cause) {
      const error =
        cause instanceof TlsError ? cause : new EngineFailureError('the ClientHello was not read', { cause });
      return this.#fail(error);
    }
    this.#approachedInHello();
    if (hello === undefined || this.#stage.end !== 'no') return;
    this.#reader = undefined;
    this.hello = hello;
    this.deadline('handshakeTimeout');
    this.#tell('client-hello');
    if (this.#stage.end !== 'no') return;
    if (this.#admission === undefined) return this.admitted();
    this.#slot = 'waiting';
    this.#admission.enter(this);
  }

  #select(selector: EngineSelector, hello: ClientHello): void {
    const stage = this.#stage;
    stage.outbound.readiness = engineReadiness.wantClientHelloCb;
    stage.tasks++;
    stage.readiness.check();
    if (stage.end !== 'no') return; // whoever heard of that has let go of it
    const begunAt = stage.events.age;
    const task = runUserFunction<TlsEngineFactory | undefined>({
      name: 'byHello',
      alert: 'internal_error',
      milliseconds: stage.limits.taskTimeout,
      scheduler: stage.scheduler,
      run: () => selected(selector.select(hello)),
      resolve: (factory) => {
        stage.tasks--;
        stage.outbound.readiness = engineReadiness.wantRead;
        stage.events.task('byHello', 'answered', begunAt);
        this.#chosen(factory);
      },
      reject: (error) => {
        stage.tasks--;
        stage.events.task('byHello', 'failed', begunAt);
        this.#fail(error);
      },
    });
    stage.add(task);
  }

  #chosen(factory: TlsEngineFactory | undefined): void {
    if (factory === undefined || factory === null) {
      const alert = 'unrecognized_name';
      this.#fail(new PeerIncompatibleError('byHello chose no engine for this ClientHello', { alert }));
    } else if (isFactory(factory) && factory.role === 'server') {
      this.generation ??= factory.generation;
      this.#stage.adopt(factory);
    } else this.#fail(new ApiMisuseError('byHello must give a server engine factory'));
  }

  #tell(step: 'client-hello' | 'admitted'): void {
    const { events } = this.#stage;
    if (events.observed) events.next({ type: 'handshake', step, milliseconds: events.age });
  }

  /** Each limit of the hello is told of once. */
  #approachedInHello(): void {
    const { limits, observed } = this.#stage;
    if (!observed) return;
    for (const limit of helloLimits) {
      const used = this.#reader?.used(limit) ?? 0;
      if (used * 4 < limits[limit] * 3 || this.#told.has(limit)) continue;
      this.#told.add(limit);
      this.#approached(limit, used, limits[limit]);
    }
  }

  #approached(limit: LimitName, used: number, max: number): void {
    const { events } = this.#stage;
    if (events.observed && used * 4 >= max * 3) events.next({ type: 'limit', limit, used, max });
  }

  #fail(error: TlsError): void {
    this.#stage.ending.fail(error);
  }
}

const helloLimits = ['maxClientHelloBytes', 'maxClientHelloWireBytes', 'maxClientHelloRecords'] as const;

/** A list or an async iterable of factories is awaited like an observable of them; a factory is itself the answer. */
const selected = (answer: ReturnType<EngineSelector['select']>): unknown =>
  answer === undefined || answer === null || isFactory(answer) ? answer : from(answer);
