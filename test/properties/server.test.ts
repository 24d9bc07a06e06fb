// A server under whatever can happen in any order: clients that come, hesitate, talk, leave and are cut, credentials that rotate or
// are no good, choices that are answered late, and a drain. Over the placebo, in virtual time. RXTLS_SERVERS (1 000) scripts.
import assert from 'node:assert/strict';
import {
  byHello,
  type ConnectionFailure,
  type CredentialEvent,
  drain,
  type DrainedConnection,
  liveEngine,
  secureEach,
  type TlsConnection,
  type TlsEngineFactory,
  type TlsEvent,
} from '@rxtls/core';
import fc from 'fast-check';
import { config, Observable, ReplaySubject, Subject } from 'rxjs';
import t from 'tap';
import { ascii, Clock, placeboEngine, record, Wire } from '../../packages/core/test/bench.ts';
import { seed } from './search.ts';

const runs = Number(process.env['RXTLS_SERVERS'] ?? 1_000);
t.setTimeout(120_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same scripts again`);

const slots = 2;
const waiting = 3;
const deadline = 4_000;

type Deed = 'hello' | 'half' | 'finish' | 'data' | 'goodbye' | 'cut' | 'answer' | 'refuse';
type Step =
  | { readonly do: 'accept' | 'knock' | 'open' | 'good' | 'bad' | 'drain' }
  | {
      readonly do: 'hello' | 'half' | 'finish' | 'data' | 'goodbye' | 'cut' | 'answer' | 'refuse';
      readonly who: number;
    }
  | { readonly do: 'wait'; readonly ms: number };

const who = fc.nat(7);
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.constantFrom<Step>(
        ...(['accept', 'knock', 'knock', 'open', 'good', 'bad'] as const).map((each) => ({ do: each })),
      ),
    },
    { weight: 1, arbitrary: fc.constant<Step>({ do: 'drain' }) },
    {
      weight: 16,
      arbitrary: fc.record({
        do: fc.constantFrom(
          'hello',
          'hello',
          'half',
          'finish',
          'finish',
          'data',
          'goodbye',
          'cut',
          'answer',
          'answer',
          'refuse',
        ),
        who,
      }) as fc.Arbitrary<Step>,
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 300, 1_500, 6_000) }),
    },
  ),
  { minLength: 10, maxLength: 80, size: 'max' },
);

const hello = record.clientHello({ version: 'TLSv1.3', serverName: 'a.example' });

/** One client, by what it did to its wire and what the server told of it. */
class Visitor {
  readonly wire = new Wire();
  readonly choice = new ReplaySubject<TlsEngineFactory<'server'>>(1);
  readonly events: TlsEvent[] = [];
  /** How many rotations there had been when it was admitted. */
  admittedAt: number | undefined;
  connection: TlsConnection | undefined;
  failures = 0;
  helloBytes = 0;

  get hasEnded(): boolean {
    return this.events.at(-1)?.type === 'ended';
  }

  /** It holds a handshake slot. */
  get shakes(): boolean {
    return this.admittedAt !== undefined && this.connection === undefined && !this.hasEnded;
  }
}

class Server {
  readonly clock = new Clock();
  readonly visitors: Visitor[] = [];
  readonly told: CredentialEvent[] = [];
  readonly reports: DrainedConnection[] = [];
  readonly log: string[] = [];
  readonly #listener = new Subject<Wire['duplex']>();
  readonly #credentials = new Subject<boolean>();
  readonly #stop = new Subject<void>();
  readonly #subscription;
  /** Who was there when the drain began. */
  readonly #left: string[] = [];
  #subscribed = 0;
  #unsubscribed = 0;
  #now = 0;
  generation = 0;
  drainedAt: number | undefined;

  constructor() {
    const source = new Observable<boolean>((subscriber) => {
      this.#subscribed++;
      subscriber.add(() => this.#unsubscribed++);
      return this.#credentials.subscribe(subscriber);
    });
    const engine = liveEngine(
      source,
      (isGood) => {
        if (!isGood) throw new Error('no good');
        return byHello(() => this.visitors[this.#choosing]!.choice);
      },
      { events: { next: (event) => this.told.push(event) } },
    );
    const byRemote = (remote: string | undefined): Visitor => this.visitors[Number(remote)]!;
    this.#subscription = this.#listener
      .pipe(
        secureEach(
          engine,
          (connection) => {
            byRemote(connection.info.remote).connection = connection;
            return connection.writeFrom(connection.source);
          },
          {
            scheduler: this.clock,
            limits: { maxConcurrentHandshakes: slots, maxWaitingHandshakes: waiting },
            failed: ({ info }: ConnectionFailure) => byRemote(info.remote).failures++,
            observe: ({ remote }) => ({ events: { next: (event: TlsEvent) => this.#saw(byRemote(remote), event) } }),
            drain: drain(this.#stop, {
              deadline,
              quiet: 500,
              drained: { next: (report) => this.reports.push(report), complete: () => this.log.push('drained') },
            }),
          },
        ),
      )
      .subscribe({ complete: () => this.log.push('complete'), error: (error) => this.log.push(`error ${error}`) });
  }

  /** Whose ClientHello is being answered: the one admitted last. */
  #choosing = 0;

  #saw(visitor: Visitor, event: TlsEvent): void {
    visitor.events.push(event);
    if (event.type !== 'handshake' || event.step !== 'admitted') return;
    visitor.admittedAt = this.generation;
    this.#choosing = this.visitors.indexOf(visitor);
  }

  play(step: Step): void {
    if (step.do === 'accept') this.#accept();
    else if (step.do === 'knock') this.#act(this.#accept(), 'hello');
    else if (step.do === 'open') {
      const visitor = this.#accept();
      for (const what of ['hello', 'answer', 'finish'] as const) this.#act(visitor, what);
    } else if (step.do === 'good' || step.do === 'bad') {
      if (step.do === 'good' && !this.log.includes('complete')) this.generation++;
      this.#credentials.next(step.do === 'good');
    } else if (step.do === 'drain') {
      if (this.drainedAt === undefined)
        this.#left.push(
          ...this.visitors.filter(({ hasEnded }) => !hasEnded).map((each) => `${this.visitors.indexOf(each)}`),
        );
      this.drainedAt ??= this.#now;
      this.#stop.next();
    } else if (step.do === 'wait') this.wait(step.ms);
    else if ('who' in step) {
      const visitor = this.visitors[step.who % Math.max(1, this.visitors.length)];
      if (visitor !== undefined) this.#act(visitor, step.do);
    }
    this.check();
  }

  #accept(): Visitor {
    const visitor = new Visitor();
    Object.assign(visitor.wire.duplex, { info: { remote: `${this.visitors.length}` } });
    this.visitors.push(visitor);
    this.#listener.next(visitor.wire.duplex);
    return visitor;
  }

  #act(visitor: Visitor, what: Deed): void {
    const { wire, choice } = visitor;
    const give = (end: number): void => {
      const bytes = hello.subarray(visitor.helloBytes, end);
      visitor.helloBytes = end;
      if (bytes.length > 0) wire.give(bytes);
    };
    if (what === 'half') give(Math.max(visitor.helloBytes, 20));
    else if (what === 'hello') give(hello.length);
    else if (what === 'finish') wire.give(record.finished());
    else if (what === 'data') wire.give(record.applicationData(ascii('words')));
    else if (what === 'goodbye') wire.give(record.closeNotify());
    else if (what === 'cut') wire.source.fail(new Error('cut'), true);
    else if (what === 'answer') {
      choice.next(placeboEngine.server());
      choice.complete();
    } else choice.error(new Error('no engine for you'));
  }

  wait(ms: number): void {
    this.#now += ms;
    this.clock.to(this.#now);
  }

  check(): void {
    const shaking = this.visitors.filter(({ shakes }) => shakes).length;
    assert.ok(shaking <= slots, `${shaking} handshakes at once`);
    for (const [index, { connection, admittedAt, failures, events }] of this.visitors.entries()) {
      assert.ok(failures <= 1, `${index}: told as failed ${failures} times`);
      assert.ok(events.filter(({ type }) => type === 'ended').length <= 1, `${index}: ended twice`);
      if (connection !== undefined)
        assert.equal(
          connection.negotiated.generation,
          admittedAt,
          `${index}: the generation that it was admitted with`,
        );
    }
    const swaps = this.told.flatMap((event) => (event.type === 'swapped' ? [event.generation] : []));
    assert.deepEqual(
      swaps,
      Array.from({ length: this.generation }, (_, at) => at + 1),
    );
    if (this.drainedAt !== undefined && this.#now >= this.drainedAt + deadline)
      assert.deepEqual(this.log, ['drained', 'complete'], 'at the deadline of the drain all is over');
  }

  /** Whatever is left is let go, and nothing is held. */
  end(isDrained: boolean): void {
    if (isDrained) {
      this.play({ do: 'drain' });
      this.wait(deadline);
      this.check();
    } else this.#subscription.unsubscribe();
    this.wait(60_000);
    assert.equal(this.clock.pending, 0, 'no timer is left');
    assert.deepEqual([this.#subscribed, this.#unsubscribed], [1, 1], 'one subscription to the credentials, let go');
    let opened = 0;
    for (const [index, { wire, connection, hasEnded, events }] of this.visitors.entries()) {
      if (events.length > 0) assert.ok(hasEnded, `${index}: its end is told`);
      if (connection === undefined) continue;
      opened++;
      assert.ok(wire.calls.includes('end') || wire.calls.includes('abort'), `${index}: its wire is let go`);
      assert.throws(() => connection.updateKeys(), { name: 'ApiMisuseError' });
    }
    const reported = this.reports.map(({ info }) => info.remote);
    if (isDrained) assert.deepEqual(new Set(reported), new Set(this.#left));
    assert.equal(new Set(reported).size, reported.length, 'each is reported once');
    for (const { ledger } of this.reports) {
      assert.equal(ledger.accepted, ledger.flushed + ledger.lost);
      assert.equal(ledger.outstanding, 0);
    }
    tally.connections += opened;
    tally.visitors += this.visitors.length;
    tally.reports += this.reports.length;
    tally.waited += this.visitors.filter(({ events }) => events.some(({ type }) => type === 'limit')).length;
  }
}

const tally = { visitors: 0, connections: 0, reports: 0, waited: 0 };

function play(script: readonly Step[], isDrained: boolean): void {
  const unhandled: unknown[] = [];
  config.onUnhandledError = (error) => void unhandled.push(error);
  try {
    const server = new Server();
    for (const step of script) server.play(step);
    server.end(isDrained);
    assert.deepEqual(unhandled, []);
  } finally {
    config.onUnhandledError = null;
  }
}

t.test('servers: slots are kept, each connection has its generation, and every one ends once', async (t) => {
  const details = fc.check(fc.property(steps, fc.boolean(), play), { seed, numRuns: runs });
  if (details.failed) {
    const error = details.errorInstance as Error;
    t.fail(
      `seed ${seed}, path ${details.counterexamplePath}\n${error.stack}\n${JSON.stringify(details.counterexample)}`,
    );
  }
  t.comment(JSON.stringify(tally));
  t.ok(tally.connections > runs / 4 && tally.reports > runs / 4 && tally.waited > 0, JSON.stringify(tally));
});
