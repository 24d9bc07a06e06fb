import type { SchedulerLike } from 'rxjs';

/** Where a watch has its time from. */
export interface Timing {
  /** Milliseconds from some moment on, for intervals: never goes back. */
  now(): number;
  /** Milliseconds since 1970, for certificates. */
  wallClock(): number;
  /** Calls once, unless what it gives back is called first. The process need not live for it unless `keepAlive`. */
  after(milliseconds: number, due: () => void, keepAlive: boolean): () => void;
}

/** The system's, or a scheduler's. RxJS's own schedulers have no way to let the process end, so the default is none of them. */
export function timing(scheduler: SchedulerLike | undefined): Timing {
  if (scheduler === undefined) return systemTiming;
  return {
    now: () => scheduler.now(),
    wallClock: () => scheduler.now(),
    after(milliseconds, due) {
      const action = scheduler.schedule(due, milliseconds);
      return () => action.unsubscribe();
    },
  };
}

const systemTiming: Timing = {
  now: () => performance.now(),
  wallClock: () => Date.now(),
  after(milliseconds, due, keepAlive) {
    const timer = setTimeout(due, milliseconds);
    if (!keepAlive) timer.unref();
    return () => clearTimeout(timer);
  },
};
