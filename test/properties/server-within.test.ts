// A server to which things are done by those who hear of it: from inside an event, a write, a report, a choice or a teardown somebody
// accepts, talks, rotates, drains or unsubscribes. Over the placebo, in virtual time. RXTLS_SERVERS (1 000) scripts.
import assert from 'node:assert/strict';
import {
  byHello,
  type ByteDuplex,
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
import { config, finalize, merge, NEVER, Observable, Subject, type Subscription, tap } from 'rxjs';
import t from 'tap';
import { ascii, Clock, placeboEngine, record, Wire } from '../../packages/core/test/bench.ts';
import { seed } from './search.ts';

const runs = Number(process.env['RXTLS_SERVERS'] ?? 1_000);
t.setTimeout(120_000);
t.comment(`seed ${seed}: RXTLS_SEED=${seed} runs the same scripts again`);

const deadline = 4_000;
const hello = record.clientHello({ version: 'TLSv1.3' });
const often = ['open', 'hello', 'finish', 'answer', 'data', 'write', 'goodbye', 'alert', 'cut'] as const;
const deeds = [...often, 'accept', 'half', 'end', 'refuse', 'good', 'bad', 'close', 'drain', 'leave'] as const;

interface Step {
  readonly deed: (typeof deeds)[number];
  readonly who: number;
}
interface Script {
  /** How many are open before. */
  readonly opened: number;
  readonly steps: readonly (Step | number)[];
  /** What is done from within: the next one after so many calls of ours. */
  readonly within: readonly { readonly after: number; readonly step: Step }[];
  readonly quiet: number;
  readonly work: number;
  readonly isDrained: boolean;
}

const step: fc.Arbitrary<Step> = fc.record({ deed: fc.constantFrom(...often, ...deeds), who: fc.nat(3) });
const scripts: fc.Arbitrary<Script> = fc.record({
  opened: fc.nat(3),
  steps: fc.array(fc.oneof({ weight: 6, arbitrary: step }, fc.constantFrom(1, 300, 1_500, 6_000)), {
    minLength: 4,
    maxLength: 30,
    size: 'max',
  }),
  within: fc.array(fc.record({ after: fc.nat(8), step }), { maxLength: 30, size: 'max' }),
  quiet: fc.constantFrom(0, 500),
  work: fc.nat(4),
  isDrained: fc.boolean(),
});

const ignored = { error: (): void => undefined };

class Visitor {
  readonly wire = new Wire();
  readonly choice = new Subject<TlsEngineFactory<'server'>>();
  readonly duplex: ByteDuplex;
  connection: TlsConnection | undefined;
  ended: Extract<TlsEvent, { type: 'ended' }>[] = [];
  failures = 0;
  reports = 0;
  /** Subscriptions to its wire. */
  held = 0;

  constructor(name: string, inside: () => void) {
    const { wire } = this;
    const { source, sink } = wire.duplex;
    const counted = <T>(values: Observable<T>): Observable<T> =>
      new Observable((subscriber) => {
        this.held++;
        subscriber.add(() => this.held--);
        return values.subscribe(subscriber);
      });
    const told = (call: () => void) => (): void => {
      call();
      inside();
    };
    wire.onWrite = inside;
    this.duplex = {
      info: { remote: name },
      unread: (bytes) => wire.duplex.unread(bytes),
      source: { bytes: counted(source.bytes), request: (bytes) => source.request(bytes) },
      sink: {
        ...sink,
        demand: counted(sink.demand),
        taken: counted(sink.taken),
        end: told(() => sink.end()),
        abort: told(() => sink.abort()),
      },
    };
  }

  do(deed: Step['deed']): void {
    const { wire, choice, connection } = this;
    if (deed === 'hello') wire.give(hello);
    else if (deed === 'half') wire.give(hello.subarray(0, 20));
    else if (deed === 'finish') wire.give(record.finished());
    else if (deed === 'data') wire.give(record.applicationData(ascii('words')));
    else if (deed === 'goodbye') wire.give(record.closeNotify());
    else if (deed === 'alert') wire.give(record.alert('fatal', 'internal_error'));
    else if (deed === 'cut') wire.source.fail(new Error('cut'), true);
    else if (deed === 'end') wire.source.complete();
    else if (deed === 'refuse') choice.error(new Error('no engine for you'));
    else if (deed === 'write') connection?.write(ascii('ours')).subscribe(ignored);
    else if (deed === 'close') connection?.close().subscribe(ignored);
    else if (deed === 'answer') {
      choice.next(placeboEngine.server());
      choice.complete();
    }
  }
}

class Server {
  readonly #visitors: Visitor[] = [];
  readonly #clock = new Clock();
  readonly #within: Script['within'];
  readonly #listener = new Subject<ByteDuplex>();
  readonly #credentials = new Subject<boolean>();
  readonly #stop = new Subject<void>();
  readonly #log: string[] = [];
  readonly #generations: number[] = [];
  readonly #subscription: Subscription;
  #calls = 0;
  #played = 0;
  #now = 0;
  /** Credentials, choices and work that are subscribed. */
  #open = 0;
  #isLeft = false;
  #isOver = false;
  #admitted = 0;

  constructor({ within, quiet, work }: Script) {
    this.#within = within;
    const engine = liveEngine(
      this.#counted(this.#credentials),
      (isGood) => {
        this.#inside();
        if (!isGood) throw new Error('no good');
        return byHello(() => {
          const { choice } = this.#visitors[this.#admitted]!;
          this.#inside();
          return this.#counted(choice);
        });
      },
      { events: { next: (event) => this.#renewed(event) } },
    );
    const of = (remote: string | undefined): Visitor => this.#visitors[Number(remote)]!;
    const serving = this.#listener.pipe(
      secureEach(engine, (connection) => this.#work(of(connection.info.remote), connection, work), {
        scheduler: this.#clock,
        limits: { maxConcurrentHandshakes: 2, maxWaitingHandshakes: 3 },
        observe: ({ remote }) => ({
          events: { next: (event) => this.#saw(Number(remote), event), complete: this.#inside },
          readiness: { next: this.#inside },
          ledger: { next: this.#inside },
          acks: { next: this.#inside },
        }),
        failed: ({ info }: ConnectionFailure) => {
          of(info.remote).failures++;
          this.#inside();
        },
        drain: drain(this.#stop, {
          deadline,
          quiet,
          drained: {
            next: ({ info, ledger }: DrainedConnection) => {
              assert.equal(ledger.outstanding, 0);
              of(info.remote).reports++;
              this.#inside();
            },
            complete: () => this.#say('drained'),
          },
        }),
      }),
    );
    this.#subscription = serving.subscribe({ complete: () => this.#say('complete') });
  }

  #renewed(event: CredentialEvent): void {
    if (event.type === 'swapped') this.#generations.push(event.generation);
    this.#inside();
  }

  #say(what: string): void {
    this.#log.push(what);
    this.#inside();
  }

  #counted<T>(values: Observable<T>): Observable<T> {
    return new Observable((subscriber) => {
      this.#open++;
      subscriber.add(() => {
        this.#open--;
        this.#inside();
      });
      return values.subscribe(subscriber);
    });
  }

  #work(visitor: Visitor, connection: TlsConnection, kind: number): Observable<unknown> {
    visitor.connection = connection;
    this.#inside();
    const { plaintext, ledger, source } = connection;
    const kinds: readonly Observable<unknown>[] = [
      NEVER,
      plaintext,
      source.bytes,
      connection.writeFrom(source),
      merge(
        connection.readEach((bytes) => connection.write(bytes)),
        ledger,
      ),
    ];
    const inside = this.#inside;
    return this.#counted(kinds[kind]!).pipe(tap({ next: inside, error: inside, complete: inside }), finalize(inside));
  }

  #saw(who: number, event: TlsEvent): void {
    if (event.type === 'ended' && !this.#subscription.closed) this.#visitors[who]!.ended.push(event);
    if (event.type === 'handshake' && event.step === 'admitted') this.#admitted = who;
    this.#inside();
  }

  /** Somebody's code is being called. */
  readonly #inside = (): void => {
    const next = this.#within[this.#played];
    if (this.#isOver || next === undefined || this.#calls++ < next.after) return;
    this.#calls = 0;
    this.#played++;
    tally.within++;
    this.#do(next.step);
  };

  #do({ deed, who }: Step): void {
    if (deed === 'accept' || deed === 'open') {
      const visitor = new Visitor(`${this.#visitors.length}`, this.#inside);
      this.#visitors.push(visitor);
      this.#listener.next(visitor.duplex);
      if (deed === 'open') for (const each of ['hello', 'answer', 'finish'] as const) visitor.do(each);
    } else if (deed === 'good' || deed === 'bad') this.#credentials.next(deed === 'good');
    else if (deed === 'drain') this.#stop.next();
    else if (deed === 'leave') {
      this.#isLeft = true;
      this.#subscription.unsubscribe();
    } else this.#visitors[who % Math.max(1, this.#visitors.length)]?.do(deed);
  }

  #wait(milliseconds: number): void {
    this.#now += milliseconds;
    this.#clock.to(this.#now);
  }

  play({ opened, steps, isDrained }: Script): void {
    this.#do({ deed: 'good', who: 0 });
    for (let each = 0; each < opened; each++) this.#do({ deed: 'open', who: 0 });
    for (const each of steps)
      if (typeof each === 'number') this.#wait(each);
      else this.#do(each);
    this.#isOver = true;
    if (isDrained) {
      this.#stop.next();
      this.#wait(deadline);
      assert.ok(this.#subscription.closed, 'at the deadline of the drain all is over');
    } else this.#do({ deed: 'leave', who: 0 });
    this.#wait(60_000);
    this.#check();
  }

  #check(): void {
    assert.equal(this.#clock.pending, 0, 'no timer is left');
    assert.equal(this.#open, 0, 'nothing stays subscribed');
    assert.ok(!this.#listener.observed && !this.#stop.observed && !this.#credentials.observed);
    assert.deepEqual(
      this.#generations,
      this.#generations.map((_, at) => at + 1),
    );
    assert.equal(new Set(this.#log).size, this.#log.length, `the end is told once: ${this.#log.join()}`);
    for (const [who, { wire, held, failures, reports, ended, connection }] of this.#visitors.entries()) {
      assert.equal(held, 0, `${who}: its wire is let go`);
      const [ends, aborts] = [wire.count('end'), wire.count('abort')];
      assert.ok(ends <= 1 && aborts <= 1 && reports <= 1 && ended.length <= 1, `${who}: each once`);
      if (connection !== undefined) {
        tally.connections++;
        assert.ok(ends + aborts > 0, `${who}: its transport is ended or cut`);
      }
      assert.ok(failures <= 1, `${who}: told as failed ${failures} times`);
      const error = ended[0]?.error;
      if (error === undefined || this.#isLeft || /unsubscribed/.test(error.message)) continue;
      assert.equal(failures, 1, `${who}: its failure is told: ${error.message}`);
    }
  }
}

const tally = { connections: 0, within: 0 };

t.test('servers: whatever is done from within, everything ends once and nothing is left', async (t) => {
  const unhandled: unknown[] = [];
  config.onUnhandledError = (error) => void unhandled.push(error);
  t.teardown(() => (config.onUnhandledError = null));
  const play = (script: Script): void => new Server(script).play(script);
  const details = fc.check(fc.property(scripts, play), { seed, numRuns: runs });
  if (details.failed) {
    const error = details.errorInstance as Error;
    t.fail(
      `seed ${seed}, path ${details.counterexamplePath}\n${error.stack}\n${JSON.stringify(details.counterexample)}`,
    );
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.same(unhandled, []);
  t.comment(JSON.stringify(tally));
  t.ok(tally.connections > runs / 4 && tally.within > runs, JSON.stringify(tally));
});
