import { renderTimeline, type TimelineEvent, type TimelineOptions } from './timeline.ts';

/** A timeline that is printed while it grows. */
export interface LiveTimeline {
  /** Notes what happened at a moment, never earlier than the last one noted. */
  note(row: string, at: number, label: string): void;
  /** Prints what has not been printed yet. */
  end(): void;
}

/**
 * Prints a timeline block by block as it happens: a block is printed when its lines are full. Rows stand in the order
 * given; an event of another row throws.
 */
export function liveTimeline(
  names: readonly string[],
  print: (lines: readonly string[]) => void,
  options: TimelineOptions = {},
): LiveTimeline {
  let rows = names.map((name) => ({ name, events: [] as TimelineEvent[] }));
  const render = (kept = rows): string[] => renderTimeline(kept, options);
  const between = (from: number, to: number) =>
    rows.map(({ name, events }) => ({ name, events: events.filter(({ at }) => at >= from && at < to) }));
  const end = (): void => {
    if (rows.some(({ events }) => events.length > 0)) print(render());
    rows = between(Number.POSITIVE_INFINITY, 0);
  };
  return {
    end,
    note(name, at, label) {
      const row = rows.find((each) => each.name === name);
      if (row === undefined) throw new Error(`the timeline has no row ${name}`);
      row.events.push({ at, label });
      if (!render().includes('')) return;
      // An empty line stands between two blocks: the moment just noted did not fit any more.
      print([...render(between(Number.NEGATIVE_INFINITY, at)), '']);
      rows = between(at, Number.POSITIVE_INFINITY);
    },
  };
}
