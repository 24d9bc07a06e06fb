import { EMPTY, type Observable, type Observer } from 'rxjs';
import { ApiMisuseError } from './engine/index.ts';
import { type ConnectionObservers, ownObservers } from './secure-options.ts';
import type { Stage } from './stage.ts';

/** Subscribes the observers of the options. One that throws ends its own connection; those after it hear of the end alone. */
export function observe(stage: Stage): void {
  const { readiness, acks, ledger, events } = observersOf(stage);
  if (events) subscribe(stage, stage.events, events);
  if (acks) subscribe(stage, stage.outbound.acks, acks);
  if (ledger) subscribe(stage, stage.ledger.observable, ledger);
  if (readiness) subscribe(stage, stage.readiness.observable, readiness);
}

function observersOf(stage: Stage): Partial<ConnectionObservers> {
  const { observe: own } = stage.settings;
  if (typeof own !== 'function') return own;
  try {
    return ownObservers(own(stage.transport.info));
  } catch (cause) {
    if (cause instanceof ApiMisuseError) stage.fail(cause);
    else stage.threw(cause);
  }
  return {};
}

function subscribe<T>(stage: Stage, values: Observable<T>, observer: Partial<Observer<T>>): void {
  (stage.end === 'no' ? values : EMPTY).subscribe(guarded(stage, observer));
}

function guarded<T>(stage: Stage, observer: Partial<Observer<T>>): Partial<Observer<T>> {
  return {
    next(value) {
      try {
        observer.next?.(value);
      } catch (cause) {
        stage.threw(cause);
      }
    },
    complete: () => observer.complete?.(),
  };
}
