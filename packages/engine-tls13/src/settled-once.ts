import type { EngineTask } from '@rxtls/core/engine';

/**
 * A task for core, whose first answer alone is taken; `settle` runs what comes of it. The flag is each task's own: when an
 * answer comes again, the next task may be asked already, and it is not that one's.
 */
export function settledOnce<T>(
  { name, alert, run }: Pick<EngineTask<T>, 'name' | 'alert' | 'run'>,
  then: (answer: T) => void,
  settle: (part: () => void) => void,
): EngineTask<T> {
  let isSettled = false;
  const once = (part: () => void): void => {
    if (isSettled) return;
    isSettled = true;
    settle(part);
  };
  return {
    name,
    alert,
    run,
    resolve: (answer) => once(() => then(answer)),
    reject: (error) =>
      once(() => {
        throw error;
      }),
  };
}
