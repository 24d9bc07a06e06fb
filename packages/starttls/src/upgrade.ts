// From a transport, by a dialogue, to a transport that TLS may begin on. Whatever ends the dialogue cuts the transport once; what
// was received beyond it goes back to the transport. Nothing of it outlives the dialogue: from then on the observable is its source's.

import type { ByteDuplex } from '@rxtls/core';
import {
  AbortedError,
  ApiMisuseError,
  EngineFailureError,
  HandshakeTimeoutError,
  TlsError,
  TruncationError,
} from '@rxtls/core/engine';
import { Observable, type OperatorFunction, Subject, type Subscriber, Subscription, takeUntil } from 'rxjs';
import { Dialogue, type Remainder, type Wire } from './dialogue.ts';
import type { Script } from './script.ts';
import type { UpgradeSettings } from './upgrade-options.ts';

/** One protocol's dialogue, and what comes out of it. */
interface Upgrade<T> {
  /** As it stands in messages. */
  readonly protocol: string;
  readonly settings: UpgradeSettings;
  /** What may have been received beyond the dialogue. */
  readonly remainder: Remainder;
  script(wire: Wire): Script;
  /** What is emitted. */
  result(duplex: ByteDuplex): T;
}

/** The operator that runs a dialogue, made anew each time, on the one transport its source emits. */
export function upgrade<T>(make: () => Upgrade<T>): OperatorFunction<ByteDuplex, T> {
  return (source) =>
    new Observable((subscriber) => {
      let run: Run<T> | undefined;
      let sourceIsDone = false;
      subscriber.add(() => run?.abandon());
      subscriber.add(
        source.subscribe({
          next(duplex) {
            if (run !== undefined) {
              duplex.sink.abort();
              run.fail(
                new ApiMisuseError('an upgrade takes one transport; for a listener use secureEach({ upgrade })'),
              );
              return;
            }
            run = new Run(duplex, make(), subscriber, () => sourceIsDone);
            run.start();
          },
          error(error: unknown) {
            if (run === undefined || run.state === 'done') subscriber.error(error);
            else run.broken(error);
          },
          complete() {
            sourceIsDone = true; // the dialogue goes on: its bytes say when the transport has ended
            if (run === undefined || run.state === 'done') subscriber.complete();
          },
        }),
      );
    });
}

class Run<T> {
  state: 'running' | 'done' | 'failed' = 'running';
  readonly #duplex: ByteDuplex;
  readonly #upgrade: Upgrade<T>;
  readonly #subscriber: Subscriber<T>;
  readonly #sourceIsDone: () => boolean;
  readonly #subscriptions = new Subscription();
  /** Lets go of the bytes also from inside their `subscribe`, before there is a subscription. */
  readonly #over = new Subject<void>();
  readonly #dialogue: Dialogue;
  /** Asked of the transport and not received; under zero it is what the last chunk had too much. */
  #credit = 0;

  constructor(duplex: ByteDuplex, upgrade: Upgrade<T>, subscriber: Subscriber<T>, sourceIsDone: () => boolean) {
    this.#duplex = duplex;
    this.#upgrade = upgrade;
    this.#subscriber = subscriber;
    this.#sourceIsDone = sourceIsDone;
    const script = (wire: Wire): Script => upgrade.script(wire);
    this.#dialogue = new Dialogue(duplex, upgrade.settings, upgrade.remainder, script);
  }

  start(): void {
    const { source, sink } = this.#duplex;
    const { scheduler, upgradeTimeout } = this.#upgrade.settings;
    this.#subscriptions.add(scheduler.schedule(() => this.#late(), upgradeTimeout));
    this.#subscriptions.add(sink.demand.subscribe({ error: (cause: unknown) => this.broken(cause) }));
    if (this.state === 'running') this.#receive(new Uint8Array(0));
    if (this.state !== 'running') return;
    this.#subscriptions.add(
      source.bytes.pipe(takeUntil(this.#over)).subscribe({
        next: (bytes) => {
          this.#credit -= bytes.length;
          this.#receive(bytes);
        },
        error: (cause: unknown) => this.broken(cause),
        complete: () => this.#ended(),
      }),
    );
    if (this.state === 'running') this.#askForMore();
  }

  /** Whoever wanted the result is gone. */
  abandon(): void {
    if (this.state !== 'running') return;
    this.#cut(new AbortedError(this.#says('unsubscribed')));
  }

  /** The transport failed. */
  broken(cause: unknown): void {
    const what = cause instanceof Error ? cause.message : String(cause);
    this.fail(new AbortedError(this.#says(`the transport failed: ${what}`), { cause, retryable: true }));
  }

  fail(error: TlsError): void {
    if (this.state !== 'running') return;
    error.safeToReplay = true; // the application has written nothing yet
    this.#cut(error);
    this.#subscriber.error(error);
  }

  #receive(bytes: Uint8Array): void {
    try {
      this.#dialogue.receive(bytes);
    } catch (cause) {
      if (cause instanceof TlsError) cause.message = this.#says(cause.message);
      return this.fail(
        cause instanceof TlsError ? cause : new EngineFailureError(this.#says('a function threw'), { cause }),
      );
    }
    if (this.state !== 'running') return;
    if (this.#dialogue.isDone) this.#done();
    else this.#askForMore();
  }

  /** One byte at a time: the transport gives what it has, at most a chunk. */
  #askForMore(): void {
    if (this.#credit > 0) return;
    const missing = 1 - this.#credit;
    this.#credit = 1;
    this.#duplex.source.request(missing);
  }

  /** Hands the transport on as if nobody had read from it: the debt of credit paid, what was too much put back. */
  #done(): void {
    this.#letGo('done');
    const { source } = this.#duplex;
    if (this.#credit < 0) source.request(-this.#credit);
    const { rest } = this.#dialogue;
    if (rest.length > 0) this.#duplex.unread(rest);
    this.#subscriber.next(this.#upgrade.result(this.#duplex));
    if (this.#sourceIsDone()) this.#subscriber.complete();
  }

  #ended(): void {
    this.fail(new TruncationError(0, this.#says('the transport ended before the dialogue was done')));
  }

  #late(): void {
    const limit = 'upgradeTimeout';
    const within = `not done within ${this.#upgrade.settings.upgradeTimeout} ms (limits.${limit})`;
    this.fail(new HandshakeTimeoutError(limit, this.#says(within)));
  }

  #cut(error: TlsError): void {
    this.#letGo('failed');
    this.#duplex.sink.abort(error);
  }

  #letGo(state: 'done' | 'failed'): void {
    this.state = state;
    this.#subscriptions.unsubscribe();
    this.#over.next();
  }

  #says(what: string): string {
    return `${this.#upgrade.protocol}: ${what}`;
  }
}
