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
    const next = (): void => {
      while (!isBusy && !subscriber.closed) {
        const bytes = waiting.shift();
        if (bytes !== undefined) run(bytes);
        else if (isDone) subscriber.complete();
        else return duplex.source.request(1);
      }
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
    });
    subscriber.add(
      duplex.source.bytes.subscribe({
        next: (bytes) => {
          waiting.push(bytes);
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
