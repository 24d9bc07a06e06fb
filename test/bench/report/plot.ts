// The ratios as a picture: a row a variant, a column a workload, a line where node:tls stands.
import { type Figures, ratio } from '../figures.ts';
import { baseline } from '../variants/catalogue.ts';
import { svgRect, svgText } from './svg.ts';

const columns = [
  ['handshake-full', 'full handshake'],
  ['handshake-resumed', 'resumed'],
  ['bulk-up-16k', 'bulk up, 16 KiB'],
  ['bulk-down-64k', 'bulk down, 64 KiB'],
  ['echo', 'echo'],
  ['small-writes', 'small writes'],
] as const;

/** By the end of a variant's name; the first that fits. */
const groups = [
  [' (client) over memory', 'a client in memory, to tls13Engine/node'],
  [' over memory', 'in memory'],
  [' over duplex relay', 'over loopback TCP'],
  [' over tcp', 'over loopback TCP'],
] as const;
const groupOrder = ['over loopback TCP', 'in memory', 'a client in memory, to tls13Engine/node'] as const;

const size = { label: 206, column: 134, bar: 76, row: 22, heading: 34, top: 80, bottom: 48, margin: 24 } as const;
/** The ratio at the end of the scale. */
const most = 2;

const style = `
  .back { fill: #ffffff } .text { fill: #1f2328 } .quiet { fill: #656d76 } .ours { fill: #0a7ea4 } .others { fill: #b3bac2 }
  .floor { fill: none; stroke: #8c959f; stroke-dasharray: 2 2 } .one { stroke: #d1242f; stroke-width: 1.25 } .mark { fill: #d1242f } .track { fill: #f3f4f6 }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .text { fill: #e6edf3 } .quiet { fill: #8d96a0 } .ours { fill: #3fb6dc } .others { fill: #59616b }
    .floor { stroke: #8d96a0 } .one { stroke: #ff7b72 } .mark { fill: #ff7b72 } .track { fill: #161b22 }
  }
  text { font: 12px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif }
  .title { font-size: 16px; font-weight: 600 } .head { font-weight: 600 } .value { font-size: 11px; font-variant-numeric: tabular-nums }`;

interface Named {
  readonly variant: string;
  readonly label: string;
  readonly group: string;
}

function named(variant: string): Named {
  const [ending, group] = groups.find(([end]) => variant.endsWith(end))!;
  const label = ending === ' over duplex relay' ? variant.replace(' over', ', own') : variant.slice(0, -ending.length);
  return { variant, label, group };
}

const looks = (variant: string): string => {
  if (variant.startsWith('floor')) return 'floor';
  return /^(node|tls13|forge)Engine/.test(variant) ? 'ours' : 'others';
};

const shown = (value: number): string => (value >= 0.095 ? value.toFixed(2) : value.toFixed(3));

export function plot(figures: Figures, machine: string): string {
  const variants = [...new Set(figures.cells.map(({ variant }) => variant))].filter((variant) => variant !== baseline);
  const rows = variants.map(named);
  const parts: string[] = [];
  let y: number = size.top;
  for (const group of groupOrder) {
    const members = rows.filter((each) => each.group === group);
    if (members.length === 0) continue;
    parts.push(svgText(size.margin, y + 24, 'quiet head', group));
    y += size.heading;
    const end = y + members.length * size.row;
    for (const [at] of columns.entries()) parts.push(svgRect(left(at), y, size.bar, end - y, 'track'));
    for (const { variant, label } of members) {
      parts.push(svgText(size.margin, y + 15, 'text', label), ...bars(figures, variant, y));
      y += size.row;
    }
    for (const [at] of columns.entries())
      parts.push(oneLine(left(at) + size.bar / most, end - members.length * size.row, end));
  }
  const width = left(columns.length) + size.margin - 12;
  const height = y + size.bottom;
  const ones = columns.map((_, at) =>
    svgText(left(at) + size.bar / most - 3, size.top + size.heading - 6, 'mark value', '1'),
  );
  const heads = columns.map(([, title], at) => svgText(left(at), size.top + 6, 'text head', title));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Work per CPU second beside node:tls over TCP">
<style>${style}
</style>
${svgRect(0, 0, width, height, 'back')}
${svgText(size.margin, 30, 'text title', 'Work per CPU second, as a ratio to node:tls over TCP')}
${svgText(size.margin, 52, 'quiet', 'More is better. The red line is node:tls. Both ends of every connection are counted.')}
${[...heads, ...ones, ...parts].join('\n')}
${svgText(size.margin, height - 18, 'quiet', `npm run bench -- --write on ${machine}`)}
</svg>
`;
}

const left = (column: number): number => size.margin + size.label + column * size.column;

const oneLine = (x: number, from: number, to: number): string =>
  `<line class="one" x1="${x}" y1="${from}" x2="${x}" y2="${to}"/>`;

function bars(figures: Figures, variant: string, y: number): readonly string[] {
  return columns.flatMap(([workload], at) => {
    const cell = figures.find(workload, variant);
    const value = cell && ratio(cell, figures.find(workload, baseline));
    if (value === undefined) return [svgText(left(at) + size.bar + 6, y + 15, 'quiet value', '–')];
    const length = Math.max(1, (Math.min(value, most) / most) * size.bar);
    const look = looks(variant);
    return [
      svgRect(left(at), y + 4, length, size.row - 8, look, 2),
      svgText(left(at) + size.bar + 6, y + 15, 'text value', shown(value)),
    ];
  });
}
