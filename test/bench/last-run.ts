// What the last full run measured, so that it can be reported again.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cell, Figures } from './figures.ts';

const path = fileURLToPath(new URL('../node_modules/.cache/rxtls-bench/last.json', import.meta.url));

export function keepRun(figures: Figures): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(figures.cells.map((cell) => ({ ...cell, figures: [...cell.figures] }))));
}

/** @throws where there is none */
export function lastRun(): Figures {
  const figures = new Figures();
  for (const kept of JSON.parse(readFileSync(path, 'utf8')) as (Omit<Cell, 'figures'> & {
    readonly figures: [number, number][];
  })[]) {
    const { figures: values, failed, ...about } = kept;
    const cell = figures.cell(about);
    for (const [round, value] of values) cell.figures.set(round, value);
    if (failed !== undefined) cell.failed = failed;
  }
  return figures;
}
