import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const readme = fileURLToPath(new URL('../../../README.md', import.meta.url));
const picture = fileURLToPath(new URL('../speed.svg', import.meta.url));

const [begin, end] = ['<!-- made by npm run bench -- --write -->', '<!-- end of what the bench made -->'];

export const writePlot = (svg: string): void => writeFileSync(picture, svg);

/** What stands between the marks in a text is replaced. @throws where the marks are missing */
export function between(text: string, made: string): string {
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`there is no place for the table: '${begin}' … '${end}'`);
  return `${text.slice(0, from + begin.length)}\n\n${made}\n\n${text.slice(to)}`;
}

export function writeReadme(table: string, machine: string): void {
  const made = [
    '![Work per CPU second, as a ratio to node:tls over TCP](test/bench/speed.svg)',
    '',
    '<details><summary>The figures</summary>',
    '',
    `${machine}. The first row is what \`node:tls\` does; the others are ratios to it, of memory too, where less is better.`,
    '',
    table,
    '',
    '</details>',
  ].join('\n');
  writeFileSync(readme, between(readFileSync(readme, 'utf8'), made));
}
