// The last line of `npm test`: 'N passed, N failed, N skipped', read from tap's own summary.
import { readFileSync } from 'node:fs';

const text = readFileSync(process.argv[2], 'utf8');
const summary = [...text.matchAll(/^# \{ (.*?) \}$/gm)].at(-1);
const counts = Object.fromEntries(
  [...(summary?.[1] ?? '').matchAll(/(\w+): (\d+)/g)].map(([, k, v]) => [k, Number(v)]),
);
const { pass = 0, fail = 0, skip = 0, todo = 0 } = counts;
console.log(`${pass} passed, ${fail} failed, ${skip + todo} skipped`);
process.exitCode = fail || !pass ? 1 : 0;
