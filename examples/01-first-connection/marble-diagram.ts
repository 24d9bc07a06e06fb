import { meaning, type Row } from './entry.ts';

const names: Readonly<Record<Row, string>> = {
  writes: 'writes',
  queued: 'acks queued',
  sealed: 'acks sealed',
  flushed: 'acks flushed',
  lost: 'acks lost',
  out: 'ciphertext out',
  in: 'ciphertext in',
  readiness: 'readiness',
  plaintext: 'plaintext',
};
const rows = Object.keys(names) as Row[];
const left = 16;
/** Moments are kept from the start and from the end of a long connection. */
const kept = 60;

interface Moment {
  readonly at: number;
  readonly marks: Partial<Record<Row, string>>;
}

/** The whole connection as one marble diagram in RxJS's notation: `(abc)` came in one moment, `|` completed, `#` failed. */
export class MarbleDiagram {
  readonly #first: Moment[] = [];
  readonly #last: Moment[] = [];
  #open: Moment | undefined;
  #skipped = false;

  /** Moments less than `grain` milliseconds apart are one. */
  add(at: number, row: Row, mark: string, grain = 0.8): void {
    if (this.#open === undefined || at - this.#open.at > grain) this.#open = this.#begin(at);
    const before = this.#open.marks[row] ?? '';
    if (before.length < 6) this.#open.marks[row] = before + mark;
    else if (!before.endsWith('…')) this.#open.marks[row] = `${before}…`;
  }

  #begin(at: number): Moment {
    const moment = { at, marks: {} };
    if (this.#first.length < kept) this.#first.push(moment);
    else {
      this.#last.push(moment);
      if (this.#last.length > kept) this.#skipped = this.#last.shift() !== undefined;
    }
    return moment;
  }

  /** The diagram, and below it what its marks mean, in lines of at most `width` characters. */
  lines(width: number): string[] {
    const moments = [...this.#first, ...this.#last];
    const shown = rows.filter((row) => moments.some(({ marks }) => marks[row] !== undefined));
    const columns = moments.map((moment) => columnOf(moment, shown));
    const { head, tail } = fit(columns, width - left - 2, this.#skipped);
    const line = (row: Row): string => {
      const cells = (part: readonly Drawn[]): string => part.map((column) => column.cells[row] ?? '').join('');
      return `${cells(head)}${tail === undefined ? '' : `⋯⋯${cells(tail)}`}-`;
    };
    const all = [...head, ...(tail ?? [])];
    const marks = new Set(shown.flatMap((row) => all.flatMap(({ marks }) => (marks[row] ?? '').split(''))));
    const legend = Object.entries(meaning).filter(([mark]) => marks.has(mark));
    return [
      (' '.repeat(left) + times(head) + (tail === undefined ? '' : `  ${times(tail)}`)).trimEnd(),
      ...shown.map((row) => names[row].padEnd(left) + line(row)),
      '',
      ...wrapped(
        legend.map(([mark, text]) => `${mark} ${text}`),
        width,
      ),
    ];
  }
}

interface Drawn extends Moment {
  readonly width: number;
  readonly cells: Partial<Record<Row, string>>;
}

function columnOf(moment: Moment, shown: readonly Row[]): Drawn {
  const cell = (row: Row): string => {
    const marks = moment.marks[row] ?? '';
    return marks.length > 1 ? `(${marks})` : marks;
  };
  const width = 1 + Math.max(...shown.map((row) => cell(row).length));
  return {
    ...moment,
    width,
    cells: Object.fromEntries(shown.map((row) => [row, `-${cell(row)}`.padEnd(width, '-')])),
  };
}

/** As many columns as fit: all, or the first and the last of them. */
function fit(columns: readonly Drawn[], width: number, skipped: boolean): { head: Drawn[]; tail?: Drawn[] } {
  const total = columns.reduce((sum, column) => sum + column.width, 0);
  if (total <= width && !skipped) return { head: [...columns] };
  const half = (from: readonly Drawn[]): Drawn[] => {
    let room = Math.floor(width / 2) - 1;
    const end = from.findIndex((column) => {
      room -= column.width;
      return room < 0;
    });
    return from.slice(0, end < 0 ? undefined : end);
  };
  return { head: half(columns), tail: half([...columns].reverse()).reverse() };
}

/** Times above their columns, where there is room for them. */
function times(columns: readonly Drawn[]): string {
  let line = '';
  let at = 1;
  for (const column of columns) {
    const text = String(Math.round(column.at));
    if (line.length < at && (line === '' || line.length + 1 < at)) line = line.padEnd(at) + text;
    at += column.width;
  }
  return line.padEnd(at - 1);
}

function wrapped(words: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 3 <= width) lines[lines.length - 1] = `${last} · ${word}`;
    else lines.push(word);
  }
  return lines;
}
