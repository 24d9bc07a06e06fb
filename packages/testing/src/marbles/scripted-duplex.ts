import { type ByteDuplex, CreditSource, Level } from '@rxtls/core';
import { type Observable, ReplaySubject, type Subscription } from 'rxjs';

/** What a scripted transport does by itself. */
export interface DuplexScript {
  /** Ciphertext that arrives; completion is the other side's end, an error the wire's failure. */
  readonly in: Observable<Uint8Array>;
  /** Bytes for which the transport makes room, one grant after another. Absent: endless room. */
  readonly room?: Observable<number>;
}

/** A transport that follows a script, and what was asked of it. Each observable replays, so that it can be compared at any time. */
export interface ScriptedDuplex {
  readonly duplex: ByteDuplex;
  /** Ciphertext written; completes at `end()`, errors at `abort()`. */
  readonly written: Observable<Uint8Array>;
  /** Credit asked for with `request`, as it was asked. */
  readonly requested: Observable<number>;
  /** The script stops; what plays it is let go. */
  stop(): void;
}

/** Makes a duplex for one connection from a script; it starts to play at once. */
export function scriptedDuplex(script: DuplexScript): ScriptedDuplex {
  const written = new ReplaySubject<Uint8Array>();
  const requested = new ReplaySubject<number>();
  const source = new CreditSource();
  const demand = new Level(script.room === undefined ? Number.POSITIVE_INFINITY : 0);
  const taken = new Level(0);
  let room = demand.value;
  let bytes = 0;
  let over = false;
  const flow = (): void => {
    const moved = Math.min(bytes - taken.value, room);
    room -= moved;
    demand.set(Math.max(0, room - (bytes - taken.value - moved)));
    taken.set(taken.value + moved);
  };
  const playing: (Subscription | undefined)[] = [];
  const stop = (): void => {
    over = true;
    for (const subscription of playing) subscription?.unsubscribe();
  };
  playing.push(
    script.room?.subscribe((grant) => {
      room += grant;
      flow();
    }),
    script.in.subscribe({
      next: (chunk) => source.push(chunk),
      error: (error: unknown) => source.fail(error, false),
      complete: () => source.complete(),
    }),
  );
  return {
    written,
    requested,
    stop,
    duplex: {
      info: { remote: 'script' },
      unread: (chunk) => source.unread(chunk),
      source: {
        bytes: source.bytes,
        request: (count) => {
          requested.next(count);
          source.request(count);
        },
      },
      sink: {
        demand: demand.changes,
        taken: taken.changes,
        write: (chunk) => {
          if (over) return;
          bytes += chunk.length;
          written.next(chunk);
          flow();
        },
        end: () => {
          if (!over) written.complete();
        },
        abort: (reason) => {
          if (over) return;
          stop();
          written.error(reason);
        },
      },
    },
  };
}
