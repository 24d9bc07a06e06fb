import { from, Observable, type ObservableInput, type Subscription } from 'rxjs';
import type { ByteDuplex } from './duplex.ts';
import { Fifo } from './fifo.ts';

/** One chunk at a time: `project` gets the next when its observable for the last has completed. What was not projected goes back. */
export function readEach<R>(
  duplex: Pick<ByteDuplex, 'source' | 'unread'>,
  project: (bytes: Uint8Array) => ObservableInput<R>,
): Observable<R> {
  return new Observable((subscriber) => {
    const waiting = new Fifo<Uint8Array>();
    let inner: Subscription | undefined;
    let isBusy = false;
    let isDone = false;
    /** Credit asked for and not used; below 0 after a chunk that had more. */
    let asked = 0;
    const next = (): void => {
      while (!isBusy && !subscriber.closed) {
        const bytes = waiting.shift();
        if (bytes !== undefined) run(bytes);
        else if (isDone) subscriber.complete();
        else return ask();
      }
    };
    const ask = (): void => {
      const credit = 1 - asked;
      asked = 1;
      if (credit > 0) duplex.source.request(credit);
    };
    const run = (bytes: Uint8Array): void => {
      isBusy = true;
      let isInside = true;
      try {
        inner = from(project(bytes)).subscribe({
          next: (value) => subscriber.next(value),
          error: (error: unknown) => subscriber.error(error),
          complete: () => {
            isBusy = false;
            if (!isInside) next();
          },
        });
      } catch (error) {
        subscriber.error(error);
      }
      isInside = false;
    };
    subscriber.add(() => {
      inner?.unsubscribe();
      const rest: Uint8Array[] = [];
      for (let bytes = waiting.shift(); bytes !== undefined; bytes = waiting.shift()) rest.push(bytes);
      for (const bytes of rest.reverse()) duplex.unread(bytes);
      if (asked < 0) duplex.source.request(-asked); // the next reader starts without our debt
    });
    subscriber.add(
      duplex.source.bytes.subscribe({
        next: (bytes) => {
          waiting.push(bytes);
          asked -= bytes.length;
          next();
        },
        error: (error: unknown) => subscriber.error(error),
        complete: () => {
          isDone = true;
          next();
        },
      }),
    );
    next();
  });
}
