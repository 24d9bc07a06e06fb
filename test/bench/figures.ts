// What was measured: for each workload and variant, a figure a round. Ratios are of the same rounds only.
import { median } from './statistics.ts';

/** `rate`: units of work per CPU second, more is better. `bytes`: of memory per connection, less is better. */
export type FigureKind = 'rate' | 'bytes';

/** A workload of one variant. */
export interface Cell {
  readonly workload: string;
  readonly kind: FigureKind;
  readonly unit: string;
  readonly variant: string;
  /** By the number of the round; a round that was left out is missing. */
  readonly figures: Map<number, number>;
  /** Why there are none, where the variant has no such workload. */
  readonly cannot?: string;
  /** What went wrong. */
  failed?: string;
}

export class Figures {
  readonly #cells = new Map<string, Cell>();

  get cells(): readonly Cell[] {
    return [...this.#cells.values()];
  }

  find(workload: string, variant: string): Cell | undefined {
    return this.#cells.get(`${workload}\n${variant}`);
  }

  /** The cell, made when it is not there yet. */
  cell(about: Omit<Cell, 'figures' | 'failed'>): Cell {
    const key = `${about.workload}\n${about.variant}`;
    const cell = this.#cells.get(key) ?? { ...about, figures: new Map<number, number>() };
    this.#cells.set(key, cell);
    return cell;
  }
}

/** One figure by another, for each round that has both. */
export function ratios(cell: Cell, beside: Cell | undefined): readonly number[] {
  const found: number[] = [];
  for (const [round, figure] of cell.figures) {
    const other = beside?.figures.get(round);
    if (other !== undefined) found.push(figure / other);
  }
  return found;
}

/** Their median; undefined where no round has both. */
export function ratio(cell: Cell, beside: Cell | undefined): number | undefined {
  const all = ratios(cell, beside);
  return all.length === 0 ? undefined : median(all);
}
