import type { Column, Entry } from './entry.ts';
import type { Paint } from './paint.ts';

/** A cell: an entry, or many of a kind. */
interface Cell {
  readonly entry: Entry;
  count: number;
  bytes: number;
}

const titles: Readonly<Record<Column, string>> = {
  writes: 'writes',
  acks: 'acks',
  ciphertext: 'ciphertext → out ← in',
  readiness: 'readiness',
  plaintext: 'plaintext',
};
const columns = Object.keys(titles) as Column[];
const widths = {
  wide: { gap: 2, writes: 12, acks: 10, ciphertext: 24, readiness: 20 },
  narrow: { gap: 1, writes: 11, acks: 10, ciphertext: 17, readiness: 20 },
};
const timeWidth = 6;
/** After so many lines, what happens within `bulkMilliseconds` is summed up, so that a long transfer stays readable. */
const bulkAfter = 60;
const bulkMilliseconds = 100;

/**
 * A line for each moment, printed as the moment passes. Lines are in the order of time: what happens goes on the line of
 * the moment while its cell is free there, else on a new one.
 */
export class LiveTable {
  readonly #print: (line: string) => void;
  readonly #paint: Paint;
  readonly #width: number;
  readonly #columns: Readonly<Record<Column, number>>;
  readonly #gap: string;
  #cells: Partial<Record<Column, Cell[]>> = {};
  #since = 0;
  #lines = 0;
  #flush: (() => void) | undefined;

  constructor(print: (line: string) => void, paint: Paint, width: number) {
    this.#print = print;
    this.#paint = paint;
    this.#width = width;
    const { gap, ...layout } = width < 96 ? widths.narrow : widths.wide;
    this.#gap = ' '.repeat(gap);
    const used = timeWidth + Object.values(layout).reduce((sum, each) => sum + each + gap, gap);
    this.#columns = { ...layout, plaintext: Math.max(8, width - used) };
  }

  head(): void {
    const names = columns.map((column) => {
      const width = this.#columns[column];
      const [short = ''] = titles[column].split(' ');
      return (titles[column].length <= width ? titles[column] : short).padEnd(width);
    });
    this.#print(this.#paint('bold', ['ms'.padStart(timeWidth), ...names].join(this.#gap).trimEnd()));
    this.#print(this.#paint('dim', '─'.repeat(this.#width)));
  }

  /** A line across all columns. */
  rule(text: string): void {
    this.end();
    this.#print(this.#paint('dim', `─── ${text} `.padEnd(this.#width, '─')));
  }

  add(at: number, entry: Entry): void {
    const isBulk = this.#lines > bulkAfter;
    let cells = (this.#cells[entry.column] ??= []);
    const same = cells.find(({ entry: { lead, what } }) => what === entry.what && sameKind(lead, entry.lead));
    if (isBulk && same !== undefined) {
      same.count++;
      same.bytes += entry.bytes;
      return;
    }
    if (!isBulk && cells.length > 0) {
      this.end();
      cells = this.#cells[entry.column] = [];
    }
    if (this.#flush === undefined) {
      this.#since = at;
      this.#flush = later(() => this.end(), isBulk);
    }
    cells.push({ entry, count: 1, bytes: entry.bytes });
  }

  /** Prints the moment. */
  end(): void {
    this.#flush?.();
    this.#flush = undefined;
    const cells = this.#cells;
    this.#cells = {};
    const height = Math.max(0, ...Object.values(cells).map((stack) => stack.length));
    for (let level = 0; level < height; level++) {
      const time = level === 0 ? this.#since.toFixed(1) : '';
      const texts = columns.map((column) => this.#cell(cells[column]?.[level], this.#columns[column]));
      this.#print([this.#paint('dim', time.padStart(timeWidth)), ...texts].join(this.#gap).trimEnd());
      this.#lines++;
    }
  }

  #cell(cell: Cell | undefined, width: number): string {
    if (cell === undefined) return ' '.repeat(width);
    const text = shortened(textOf(cell), width);
    return this.#paint(cell.entry.style, text) + ' '.repeat(width - text.length);
  }
}

function textOf({ entry: { column, lead, what, detail }, count, bytes }: Cell): string {
  if (count === 1) return `${lead} ${detail}`.trim();
  if (column === 'acks' || column === 'readiness') return `${count} ${what}`;
  const kind = column === 'ciphertext' ? ` ${what}` : '';
  return `${lead.startsWith('#') ? '' : lead} ${count}×${kind}${bytes === 0 ? '' : ` ${size(bytes)}`}`.trim();
}

const size = (bytes: number): string => {
  if (bytes < 10_000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
};

const sameKind = (a: string, b: string): boolean => a === b || (a.startsWith('#') && b.startsWith('#'));

/** What does not fit says so; the names of records have short forms first. */
function shortened(text: string, width: number): string {
  if (text.length <= width) return text;
  const short = text.replace('application_data', 'app data').replace('change_cipher_spec', 'ccs');
  return short.length <= width ? short : `${short.slice(0, width - 1)}…`;
}

/** Runs `call` when the moment is over; the result takes it back. */
function later(call: () => void, isBulk: boolean): () => void {
  if (isBulk) {
    const timer = setTimeout(call, bulkMilliseconds);
    return () => clearTimeout(timer);
  }
  const immediate = setImmediate(call);
  return () => clearImmediate(immediate);
}
