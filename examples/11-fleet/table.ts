import { type Outcome, workers } from './rounds.ts';

/** Lines of a table: a row for each worker's tickets, a column for each worker that was offered them. */
export function table(outcomes: readonly Outcome[]): readonly string[] {
  const line = (first: string, cells: readonly string[]): string =>
    ['', first.padEnd(11), ...cells.map((cell) => cell.padEnd(7))].join('  ').trimEnd();
  const cell = (from: number, by: number): string => {
    const found = outcomes.find((outcome) => outcome.from === from && outcome.by === by);
    return found === undefined ? '-' : found.resumed ? 'resumed' : 'full';
  };
  return [
    line(
      '',
      workers.map((by) => `by ${by}`),
    ),
    ...workers.map((from) =>
      line(
        `ticket of ${from}`,
        workers.map((by) => cell(from, by)),
      ),
    ),
  ];
}

/** As in `resumed 16 of 16 (100 %)`. */
export function rate(outcomes: readonly Outcome[]): string {
  const resumed = outcomes.filter((outcome) => outcome.resumed).length;
  return `resumed ${resumed} of ${outcomes.length} (${Math.round((100 * resumed) / outcomes.length)} %)`;
}
