import { Observable, type Subscriber } from 'rxjs';
import { reporting } from './reporting.ts';
import { ackOf, type WriteAck } from './write-ack.ts';
import { lostError, refusedError } from './write-errors.ts';
import type { IntentListener, WriteIntent } from './write-intent.ts';

/** How far an intent has come, and how far somebody has been told. */
const step = { none: 0, queued: 1, sealed: 2, end: 3 } as const;

interface Watcher {
  readonly subscriber: Subscriber<WriteAck>;
  told: number;
}

/** The acks of one write for whoever asks, whenever they ask: what has been is read off the intent, what comes is passed on. */
export class IntentAcks implements IntentListener {
  readonly observable: Observable<WriteAck>;
  intent: WriteIntent | undefined;
  #watchers: Watcher[] | undefined;

  constructor() {
    this.observable = new Observable((subscriber) => this.#attach(subscriber));
  }

  intentChanged(intent: WriteIntent): void {
    if (this.#watchers === undefined) return;
    for (const watcher of this.#watchers.slice()) tell(watcher, intent);
  }

  #attach(subscriber: Subscriber<WriteAck>): void {
    const watcher: Watcher = { subscriber, told: step.none };
    this.#watchers ??= [];
    this.#watchers.push(watcher);
    subscriber.add(() => {
      const at = this.#watchers?.indexOf(watcher) ?? -1;
      if (at >= 0) this.#watchers?.splice(at, 1);
    });
    tell(watcher, this.intent!);
  }
}

/** Brings one watcher up to date, a step at a time: its handlers may move the intent on meanwhile. */
function tell(watcher: Watcher, intent: WriteIntent): void {
  const { subscriber } = watcher;
  if (watcher.told < step.queued && intent.state !== 'refused') {
    watcher.told = step.queued;
    subscriber.next(ackOf(intent, 'queued'));
  }
  if (watcher.told < step.sealed && intent.wasSealed) {
    watcher.told = step.sealed;
    subscriber.next(ackOf(intent, 'sealed'));
  }
  const { state } = intent;
  if (watcher.told === step.end || state === 'queued' || state === 'sealed') return;
  watcher.told = step.end;
  subscriber.next(ackOf(intent, state));
  reporting(() => {
    if (state === 'flushed') subscriber.complete();
    else if (state === 'lost') subscriber.error(lostError(intent));
    else subscriber.error(refusedError(intent));
  });
}
