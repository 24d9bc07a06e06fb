import { asyncScheduler } from 'rxjs';

/** Does something later; what it returns calls it off. */
export type Clock = (milliseconds: number, action: () => void) => () => void;

export const asyncClock: Clock = (milliseconds, action) => {
  const scheduled = asyncScheduler.schedule(action, milliseconds);
  return () => scheduled.unsubscribe();
};
