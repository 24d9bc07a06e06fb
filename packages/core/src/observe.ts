import type { Observer } from 'rxjs';
import { EngineFailureError } from './engine/index.ts';
import type { Stage } from './stage.ts';

/** Subscribes the observers of the options. One that throws ends its own connection. */
export function observe(stage: Stage): void {
  const { readiness, acks, ledger, events } = stage.settings.observe;
  if (events) stage.events.subscribe(guarded(stage, events));
  if (acks) stage.outbound.acks.subscribe(guarded(stage, acks));
  if (ledger) stage.ledger.observable.subscribe(guarded(stage, ledger));
  if (readiness) stage.readiness.observable.subscribe(guarded(stage, readiness));
}

function guarded<T>(stage: Stage, observer: Partial<Observer<T>>): Partial<Observer<T>> {
  return {
    next(value) {
      try {
        observer.next?.(value);
      } catch (cause) {
        stage.ending.fail(new EngineFailureError('an observer of the connection threw', { cause }));
      }
    },
    complete: () => observer.complete?.(),
  };
}
