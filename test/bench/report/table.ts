// The figures as Markdown.
import { type Cell, type Figures, ratio } from '../figures.ts';
import { median } from '../statistics.ts';
import { firstByteUnit } from '../names.ts';
import { baseline } from '../variants/catalogue.ts';

/** What stands over a workload's column. */
const columns: Readonly<Record<string, string>> = {
  'handshake-full': 'full handshake',
  'handshake-resumed': 'resumed',
  'bulk-up-16k': 'bulk up, 16 KiB',
  'bulk-up-64k': 'up, 64 KiB',
  'bulk-down-16k': 'down, 16 KiB',
  'bulk-down-64k': 'down, 64 KiB',
  echo: 'echo',
  'small-writes': 'small writes',
  'first-connection': 'first connection',
  'idle-250-rss': 'memory of 250',
  'idle-1000-rss': 'memory of 1 000',
  'idle-5000-rss': 'memory of 5 000',
};

/** Pairs whose second is to cost no more a piece than the first. */
const growth = [
  ['bulk-up-16k', 'bulk-up-16k-1GiB', 'bulk, 1 GiB beside 128 MiB'],
  ['connections-500', 'connections-5000', 'connections, 5 000 beside 500'],
  ['queue-512', 'queue-4096', 'a queue of intents, 4 096 beside 512'],
  ['idle-1000-heap', 'idle-5000-heap', 'heap of an idle connection, 5 000 beside 1 000'],
] as const;

const short = (value: number): string => (value >= 0.1 ? value.toFixed(2) : value.toPrecision(1));

function absolute({ kind, unit, figures }: Cell): string {
  const value = median([...figures.values()]);
  if (!Number.isFinite(value)) return '–';
  if (kind === 'bytes') return `${(value / 1_024).toFixed(0)} KiB`;
  if (unit === firstByteUnit) return `${(1_000 / value).toFixed(0)} ms`;
  const shown = value >= 1_000 ? `${Math.round(value / 100) / 10}k` : value.toPrecision(3);
  return `${shown} ${unit}/s`;
}

class Notes {
  readonly #lines: string[] = [];

  mark(text: string): string {
    if (!this.#lines.includes(text)) this.#lines.push(text);
    return `<sup>${this.#lines.indexOf(text) + 1}</sup>`;
  }

  get lines(): readonly string[] {
    return this.#lines.map((line, at) => `<sup>${at + 1}</sup> ${line}.`);
  }
}

function entry(cell: Cell | undefined, figures: Figures, notes: Notes): string {
  if (cell === undefined) return '';
  if (cell.cannot !== undefined) return `–${notes.mark(cell.cannot)}`;
  if (cell.failed !== undefined && cell.figures.size === 0) return `failed${notes.mark(cell.failed.split('\n')[0]!)}`;
  if (cell.variant === baseline) return absolute(cell);
  const found = ratio(cell, figures.find(cell.workload, baseline));
  return found === undefined ? absolute(cell) : short(found);
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A row a variant: ratios to the baseline, whose own row has what they are of. */
export function table(figures: Figures): string {
  const workloads = Object.keys(columns).filter((name) => figures.cells.some(({ workload }) => workload === name));
  const variants = [...new Set(figures.cells.map(({ variant }) => variant))];
  const notes = new Notes();
  const rows = variants
    .map((variant) => [variant, ...workloads.map((name) => entry(figures.find(name, variant), figures, notes))])
    .filter((cells) => cells.slice(1).some((text) => text !== ''));
  return [
    row(['', ...workloads.map((name) => columns[name]!)]),
    row(['---', ...workloads.map(() => '---:')]),
    ...rows.map(row),
    ...notes.lines.flatMap((line) => ['', line]),
    ...grown(figures),
  ].join('\n');
}

/** What shows that cost grows linearly: 1, were the machine quiet. */
function grown(figures: Figures): readonly string[] {
  const rows = growth.flatMap(([few, many, title]) =>
    figures.cells.flatMap((cell) => {
      const found = cell.workload === many ? ratio(cell, figures.find(few, cell.variant)) : undefined;
      return found === undefined ? [] : [row([title, cell.variant, found.toFixed(2)])];
    }),
  );
  return rows.length === 0
    ? []
    : ['', row(['cost of one, as there are more', '', '']), row(['---', '---', '---:']), ...rows];
}
