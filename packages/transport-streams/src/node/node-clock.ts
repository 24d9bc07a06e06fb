/// <reference types="node" />
import type { Clock } from '../clock.ts';

/** Timers that keep no process alive. */
export const nodeClock: Clock = (milliseconds, action) => {
  const timer = setTimeout(action, milliseconds).unref();
  return () => clearTimeout(timer);
};
