/** Something that happened: when (milliseconds or frames), and what to call it. */
export interface TimelineEvent {
  readonly at: number;
  readonly label: string;
}

/** One line of a timeline: `writes`, `ciphertext out`, `readiness`. */
export interface TimelineRow {
  readonly name: string;
  readonly events: readonly TimelineEvent[];
}

export interface TimelineOptions {
  /** Characters a line may have. Default 100. */
  readonly width?: number;
  /** How a time is shown above its column. Default: rounded to a whole number. */
  readonly time?: (at: number) => string;
  /** The longest label; what is longer ends in `…`. Default 28. */
  readonly maxLabel?: number;
}

/** One moment: the lines of each row's cell. */
interface Column {
  readonly time: string;
  readonly cells: readonly (readonly string[])[];
  readonly width: number;
}

/**
 * Rows of events as lines of text: one column for each moment, the same moment in the same column in every row, wrapped
 * into blocks where a line would be too long. Several labels at one moment stand under each other.
 *
 *                   0            3         12
 *     writes      --hello----------------------
 *     ciphertext  --ClientHello--Finished------
 *     readiness   --WANT_READ----READY---------
 */
export function renderTimeline(rows: readonly TimelineRow[], options: TimelineOptions = {}): string[] {
  const { width = 100 } = options;
  const left = Math.max(0, ...rows.map(({ name }) => name.length)) + 2;
  const blocks: Column[][] = [];
  let room = 0;
  for (const column of columnsOf(rows, options)) {
    const needs = column.width + 2;
    if (blocks.length === 0 || needs > room) {
      blocks.push([]);
      room = width - left - 2;
    }
    blocks.at(-1)?.push(column);
    room -= needs;
  }
  return blocks.flatMap((block, index) => [...(index === 0 ? [] : ['']), ...renderBlock(rows, block, left)]);
}

function columnsOf(rows: readonly TimelineRow[], options: TimelineOptions): Column[] {
  const { time = (at) => String(Math.round(at)), maxLabel = 28 } = options;
  const columns: Column[] = [];
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted is ES2023; this array is ours alone
  const moments = Float64Array.from(new Set(rows.flatMap(({ events }) => events.map(({ at }) => at)))).sort();
  for (const moment of moments) {
    const cells = rows.map(({ events }) =>
      events.filter(({ at }) => at === moment).map(({ label }) => shortened(label, maxLabel)),
    );
    const shown = time(moment);
    const widest = Math.max(shown.length, ...cells.flat().map((label) => label.length));
    columns.push({ time: shown, cells, width: widest });
  }
  return columns;
}

function renderBlock(rows: readonly TimelineRow[], block: readonly Column[], left: number): string[] {
  const line = (name: string, fill: string, text: (column: Column) => string): string => {
    const cells = block.map((column) => fill.repeat(2) + text(column).padEnd(column.width, fill));
    return (name.padEnd(left) + cells.join('') + fill.repeat(2)).trimEnd();
  };
  const lines = [line('', ' ', ({ time }) => time)];
  rows.forEach(({ name }, row) => {
    const height = Math.max(1, ...block.map(({ cells }) => cells[row]?.length ?? 0));
    for (let level = 0; level < height; level++)
      lines.push(line(level === 0 ? name : '', level === 0 ? '-' : ' ', ({ cells }) => cells[row]?.[level] ?? ''));
  });
  return lines;
}

const shortened = (label: string, most: number): string => {
  const flat = label.replace(/\s+/g, ' ');
  return flat.length <= most ? flat : `${flat.slice(0, Math.max(0, most - 1))}…`;
};
