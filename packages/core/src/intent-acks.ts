import { Observable, type Subscriber } from 'rxjs';
import { ackOf, type WriteAck } from './write-ack.ts';
import { lostError, refusedError } from './write-from.ts';
import type { IntentListener, WriteIntent } from './write-intent.ts';

/** The acks of one write for whoever asks, whenever they ask: what has been is read off the intent, what comes is passed on. */
export class IntentAcks implements IntentListener {
  readonly observable: Observable<WriteAck>;
  intent: WriteIntent | undefined;
  #subscribers: Subscriber<WriteAck>[] | undefined;

  constructor() {
    this.observable = new Observable((subscriber) => this.#attach(subscriber));
  }

  intentChanged(intent: WriteIntent): void {
    if (this.#subscribers === undefined) return;
    const { state } = intent;
    for (const subscriber of this.#subscribers.slice()) tell(subscriber, intent, state);
  }

  #attach(subscriber: Subscriber<WriteAck>): void {
    const intent = this.intent!;
    const { state } = intent;
    if (state !== 'refused') subscriber.next(ackOf(intent, 'queued'));
    const wasSealed = state === 'flushed' || (state === 'lost' && intent.length > 0 && intent.sealed === intent.length);
    if (wasSealed) subscriber.next(ackOf(intent, 'sealed'));
    if (state !== 'queued') tell(subscriber, intent, state);
    if (subscriber.closed) return;
    this.#subscribers ??= [];
    this.#subscribers.push(subscriber);
    subscriber.add(() => {
      const at = this.#subscribers?.indexOf(subscriber) ?? -1;
      if (at >= 0) this.#subscribers?.splice(at, 1);
    });
  }
}

function tell(subscriber: Subscriber<WriteAck>, intent: WriteIntent, state: WriteIntent['state']): void {
  subscriber.next(ackOf(intent, state));
  if (state === 'flushed') subscriber.complete();
  else if (state === 'lost') subscriber.error(lostError(intent));
  else if (state === 'refused') subscriber.error(refusedError(intent));
}
